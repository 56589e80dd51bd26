"""Samplers compared with human text: values, intervals, their digits, and who is closest."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nextchar.results import HUMAN, REFERENCES, Metric, MetricInfo, info_of

GAP = "–"
"""What stands where a metric does not apply."""


@dataclass(frozen=True)
class Cell:
    """One value as text; all cells of a column have the same number of decimals.

    `interval` is `±0.03` where that is true at this precision, else `[low, high]`, and empty where
    the interval is the value itself. `closest`: no other sampler is closer to human text.
    """

    value: str
    interval: str = ""
    closest: bool = False

    @property
    def full(self) -> str:
        """Value and interval on one line."""
        return f"{self.value} {self.interval}".strip()


@dataclass(frozen=True)
class Row:
    """A sampler (or human text) and its cells, one per column."""

    label: str
    cells: tuple[Cell, ...]

    @property
    def human(self) -> bool:
        """Whether this is the row that the others are compared with."""
        return self.label == HUMAN

    @property
    def reference(self) -> bool:
        """Whether this is human text or another reference, not a sampler of the model."""
        return self.label in REFERENCES


@dataclass(frozen=True)
class Table:
    """Metrics in the order of their first appearance, samplers in theirs, human text last.

    Other references stand just above human text.
    """

    columns: tuple[MetricInfo, ...]
    rows: tuple[Row, ...]


def closest(rows: Sequence[Metric]) -> list[str]:
    """Samplers whose value is closest to that of human text, among rows of one metric.

    Several where they are equally close; none without human text, or with fewer than two samplers
    to compare.
    """
    human = [row.value for row in rows if row.sampler == HUMAN and math.isfinite(row.value)]
    others = [row for row in rows if row.sampler not in REFERENCES and math.isfinite(row.value)]
    if not human or len(others) < 2:
        return []
    distances = {row.sampler: abs(row.value - human[0]) for row in others}
    least = min(distances.values())
    # Equal values may be sums in another order; 1e-9 is far below any printed digit.
    return [label for label, far in distances.items() if far <= least + 1e-9 * (1 + least)]


def decimals(rows: Sequence[Metric]) -> int:
    """Decimals for a column: the first digit of the median half-width, from 1 to 3.

    Without a width (a single text, exact values) three significant digits of the largest value.
    """
    widths = [(row.high - row.low) / 2 for row in rows]
    known = [width for width in widths if math.isfinite(width) and width > 0]
    if known:
        places = -math.floor(math.log10(statistics.median(known)))
    else:
        sizes = [abs(row.value) for row in rows if math.isfinite(row.value) and row.value]
        places = 2 - math.floor(math.log10(max(sizes, default=1.0)))
    return min(max(places, 1), 3)


def compare(metrics: Sequence[Metric], definitions: Mapping[str, MetricInfo]) -> Table:
    """Arrange rows of metrics.csv as a table; `definitions` are those of the run."""
    columns: dict[str, list[Metric]] = {}
    for row in metrics:
        columns.setdefault(row.metric, []).append(row)
    labels = dict.fromkeys(row.sampler for row in metrics)
    cells: dict[tuple[str, str], Cell] = {}
    for name, rows in columns.items():
        best, places = closest(rows), decimals(rows)
        for row in rows:
            cells[row.sampler, name] = as_cell(row, places, closest=row.sampler in best)
    infos = (replace(info_of(definitions, name), unit=columns[name][0].unit) for name in columns)
    return Table(
        tuple(infos),
        tuple(
            Row(label, tuple(cells.get((label, name), Cell(GAP)) for name in columns))
            for label in sorted(labels, key=lambda label: (label in REFERENCES, label == HUMAN))
        ),
    )


def as_cell(row: Metric, places: int, *, closest: bool = False) -> Cell:
    """A row of metrics.csv as text with so many decimals."""
    if math.isnan(row.value):
        return Cell(GAP)
    return Cell(_text(row.value, places), _interval(row, places), closest)


def _interval(row: Metric, places: int) -> str:
    if not (math.isfinite(row.low) and math.isfinite(row.high)) or row.low == row.high:
        return ""
    above, below = (_text(gap, places) for gap in (row.high - row.value, row.value - row.low))
    if above == below:
        return f"±{above}"
    return f"[{_text(row.low, places)}, {_text(row.high, places)}]"


def _text(value: float, places: int) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text
