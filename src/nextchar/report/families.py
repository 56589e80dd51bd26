"""Families compared: how far each is from human text, at a setting chosen on other prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nextchar.report.standing import LEVEL
from nextchar.report.table import GAP, Cell, as_cells
from nextchar.results import HUMAN, FamilyFigure, Metric

HEADINGS = {
    "overall": "One setting for all metrics, with the smallest overall distance",
    "best": "The setting closest to human text, for each metric",
    "equal bits": "At the bits per character of human text",
    "equal diversity": "At the distinct-2 of human text",
    "equal entropy": "At three quarters of the entropy of pure sampling",
    "equal recall": "At a recall of 95%",
}


@dataclass(frozen=True)
class FamilyTable:
    """The families at settings chosen in one way: a row per metric, a column per family.

    Rows hold the metric, human text's value, and each family's cell with its setting. `closest`:
    the family is closest to human text, or tied with the one that is; none is where more than half
    of the families are.
    """

    kind: str
    families: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[tuple[Cell, str]]]]

    @property
    def heading(self) -> str:
        """What the settings have in common."""
        return HEADINGS[self.kind]

    @property
    def shared(self) -> list[str]:
        """Each family's setting where all its cells have the same one, else nothing."""
        columns = zip(*(cells for _, _, cells in self.rows), strict=True)
        found = [{setting for _, setting in column if setting} for column in columns]
        return [own.pop() if len(own) == 1 else "" for own in found]


def family_tables(figures: Sequence[FamilyFigure]) -> list[FamilyTable]:
    """A table for each way of choosing settings."""
    names = list(dict.fromkeys(row.family for row in figures))
    kinds: dict[str, dict[str, list[FamilyFigure]]] = {}
    for row in figures:
        kinds.setdefault(row.kind, {}).setdefault(row.metric, []).append(row)
    return [
        FamilyTable(kind, names, [_row(metric, own, names) for metric, own in metrics.items()])
        for kind, metrics in kinds.items()
    ]


def _row(
    metric: str, figures: Sequence[FamilyFigure], names: Sequence[str]
) -> tuple[str, str, list[tuple[Cell, str]]]:
    rows = [Metric(r.family, metric, r.value, r.low, r.high, 0, "") for r in figures]
    value = figures[0].human
    human = Metric(HUMAN, metric, value, value, value, 0, "")
    tied = [figure.family for figure in figures if figure.level >= LEVEL]
    *shown, of_human = as_cells([*rows, human], tied if len(tied) <= len(figures) / 2 else [])
    cells = {
        figure.family: (cell, figure.setting) for figure, cell in zip(figures, shown, strict=True)
    }
    return (
        metric,
        of_human.value,
        [cells.get(name, (Cell(GAP), "")) for name in names],
    )
