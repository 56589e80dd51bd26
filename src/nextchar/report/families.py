"""Families compared: how far each is from human text, at a setting chosen on other prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nextchar.report.standing import LEVEL
from nextchar.report.table import GAP, Cell, as_cell, decimals
from nextchar.results import HUMAN, FamilyFigure, Metric


@dataclass(frozen=True)
class FamilyCell:
    """A family's value, its setting, and whether it is tied with the family closest to human."""

    cell: Cell
    setting: str = ""
    tied: bool = False


@dataclass(frozen=True)
class FamilyTable:
    """The families at settings chosen in one way: a row per metric, a column per family.

    Rows hold the metric, human text's value and the cells.
    """

    kind: str
    families: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[FamilyCell, ...]], ...]

    @property
    def shared(self) -> tuple[str, ...]:
        """Each family's setting where all its cells have the same one, else nothing."""
        columns = zip(*(cells for _, _, cells in self.rows), strict=True)
        found = [{each.setting for each in column if each.setting} for column in columns]
        return tuple(own.pop() if len(own) == 1 else "" for own in found)


def family_tables(figures: Sequence[FamilyFigure]) -> list[FamilyTable]:
    """A table for each way of choosing settings."""
    names = tuple(dict.fromkeys(row.family for row in figures))
    rows: dict[str, dict[str, dict[str, FamilyFigure]]] = {}
    for row in figures:
        rows.setdefault(row.kind, {}).setdefault(row.metric, {})[row.family] = row
    return [
        FamilyTable(kind, names, tuple(_row(metric, own, names) for metric, own in metrics.items()))
        for kind, metrics in rows.items()
    ]


def _row(
    metric: str, own: dict[str, FamilyFigure], names: Sequence[str]
) -> tuple[str, str, tuple[FamilyCell, ...]]:
    rows = {name: Metric(name, metric, r.value, r.low, r.high, 0, "") for name, r in own.items()}
    value = next(iter(own.values())).human
    human = Metric(HUMAN, metric, value, value, value, 0, "")
    places = decimals([*rows.values(), human])
    cells = tuple(
        FamilyCell(as_cell(rows[name], places), own[name].setting, own[name].level >= LEVEL)
        if name in own
        else FamilyCell(Cell(GAP))
        for name in names
    )
    return metric, as_cell(human, places).value, cells
