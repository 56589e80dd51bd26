"""Families beside each other: how far each is from human text, at a setting chosen elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nextchar.metrics.catalog import title_of
from nextchar.metrics.title import Title
from nextchar.report.standing import LEVEL
from nextchar.report.table import GAP, Cell, compare
from nextchar.results import FamilyFigure, Metric


@dataclass(frozen=True)
class FamilyCell:
    """A family's value, its setting, and whether it is as close to human text as the closest."""

    cell: Cell
    setting: str
    level: bool


@dataclass(frozen=True)
class FamilyTable:
    """One way of choosing settings: a row a metric, a column a family."""

    kind: str
    families: tuple[str, ...]
    rows: tuple[tuple[Title, str, tuple[FamilyCell, ...]], ...]

    @property
    def shared(self) -> tuple[str, ...]:
        """Each family's setting where all its cells have the same one, else nothing."""
        columns = zip(*(cells for _, _, cells in self.rows), strict=True)
        found = [{each.setting for each in column if each.setting} for column in columns]
        return tuple(own.pop() if len(own) == 1 else "" for own in found)


def family_tables(figures: Sequence[FamilyFigure]) -> list[FamilyTable]:
    """A table for each kind; rows hold the metric's title, human text's value, and the cells."""
    names = tuple(dict.fromkeys(row.family for row in figures))
    return [
        FamilyTable(kind, names, tuple(_row(figures, kind, metric, names) for metric in metrics))
        for kind, metrics in _metrics(figures).items()
    ]


def _metrics(figures: Sequence[FamilyFigure]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for row in figures:
        if row.metric not in kinds.setdefault(row.kind, []):
            kinds[row.kind].append(row.metric)
    return kinds


def _row(
    figures: Sequence[FamilyFigure], kind: str, metric: str, names: Sequence[str]
) -> tuple[Title, str, tuple[FamilyCell, ...]]:
    own = {row.family: row for row in figures if (row.kind, row.metric) == (kind, metric)}
    # The comparison table knows how figures are rounded.
    rows = [Metric(n, metric, r.value, r.low, r.high, 0, "") for n, r in own.items()]
    human = next(iter(own.values())).human
    table = compare([*rows, Metric("human text", metric, human, human, human, 0, "")])
    shown = {row.label: row.cells[0] for row in table.rows}
    cells = tuple(
        FamilyCell(shown[name], own[name].setting, own[name].level >= LEVEL)
        if name in own
        else FamilyCell(Cell(GAP), "", False)
        for name in names
    )
    return title_of(metric), shown["human text"].value, cells
