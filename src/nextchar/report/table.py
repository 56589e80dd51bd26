"""Samplers against human text: which figures exist, how many digits they bear, who is closest."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from nextchar.metrics.catalog import title_of
from nextchar.metrics.title import Title
from nextchar.results import HUMAN, REFERENCES, Metric

GAP = "–"
"""What stands where a metric does not apply."""


@dataclass(frozen=True)
class Cell:
    """One figure as text, all cells of a column with the same number of decimals.

    `interval` is `±0.03` where that is true at this precision, else `[low, high]`, and empty where
    the interval is the value itself. `closest`: no other sampler is nearer to human text.
    """

    value: str
    interval: str = ""
    closest: bool = False

    @property
    def full(self) -> str:
        """Value and interval on one line."""
        return f"{self.value} {self.interval}".strip()


@dataclass(frozen=True)
class Column:
    """A metric: its key, its names and the unit that its rows carry."""

    metric: str
    title: Title
    unit: str


@dataclass(frozen=True)
class Row:
    """A sampler (or human text) and its cells, one a column."""

    label: str
    cells: tuple[Cell, ...]

    @property
    def human(self) -> bool:
        """Whether this is the row that the others are held against."""
        return self.label == HUMAN

    @property
    def reference(self) -> bool:
        """Whether this is no sampler of the model: human text, or a baseline beside it."""
        return self.label in REFERENCES


@dataclass(frozen=True)
class Table:
    """Columns in the order of their first appearance, samplers in theirs, human text last.

    Other references stand just above human text.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def closest(rows: Sequence[Metric]) -> list[str]:
    """Samplers whose value is nearest to that of human text, among rows of one metric.

    All of them in a tie; none without human text, or with fewer than two samplers to compare.
    """
    human = [row.value for row in rows if row.sampler == HUMAN and math.isfinite(row.value)]
    others = [row for row in rows if row.sampler not in REFERENCES and math.isfinite(row.value)]
    if not human or len(others) < 2:
        return []
    distances = {row.sampler: abs(row.value - human[0]) for row in others}
    nearest = min(distances.values())
    # Equal figures reach this point over different sums; 1e-9 is far below any printed digit.
    return [label for label, far in distances.items() if far <= nearest + 1e-9 * (1 + nearest)]


def decimals(rows: Sequence[Metric]) -> int:
    """Decimals for a column: the first digit of the median half-width, from 1 to 3.

    Without a width (one text, exact figures) three significant digits of the largest value.
    """
    widths = [(row.high - row.low) / 2 for row in rows]
    known = [width for width in widths if math.isfinite(width) and width > 0]
    if known:
        places = -math.floor(math.log10(statistics.median(known)))
    else:
        sizes = [abs(row.value) for row in rows if math.isfinite(row.value) and row.value]
        places = 2 - math.floor(math.log10(max(sizes, default=1.0)))
    return min(max(places, 1), 3)


def compare(metrics: Sequence[Metric]) -> Table:
    """Arrange the rows of metrics.csv as a table."""
    names = list(dict.fromkeys(row.metric for row in metrics))
    labels = list(dict.fromkeys(row.sampler for row in metrics))
    labels.sort(key=lambda label: (label in REFERENCES, label == HUMAN))
    columns = []
    cells: dict[tuple[str, str], Cell] = {}
    for name in names:
        rows = [row for row in metrics if row.metric == name]
        columns.append(Column(name, title_of(name), rows[0].unit))
        nearest, places = closest(rows), decimals(rows)
        for row in rows:
            cells[row.sampler, name] = _cell(row, places, row.sampler in nearest)
    return Table(
        columns=tuple(columns),
        rows=tuple(
            Row(label, tuple(cells.get((label, name), Cell(GAP)) for name in names))
            for label in labels
        ),
    )


def _cell(row: Metric, places: int, nearest: bool) -> Cell:
    if math.isnan(row.value):
        return Cell(GAP)
    return Cell(_figure(row.value, places), _interval(row, places), nearest)


def _interval(row: Metric, places: int) -> str:
    if not (math.isfinite(row.low) and math.isfinite(row.high)) or row.low == row.high:
        return ""
    above, below = (_figure(gap, places) for gap in (row.high - row.value, row.value - row.low))
    if above == below:
        return f"±{above}"
    return f"[{_figure(row.low, places)}, {_figure(row.high, places)}]"


def _figure(value: float, places: int) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text
