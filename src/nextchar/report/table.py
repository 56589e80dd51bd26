"""Samplers compared with human text: values, intervals, their digits, and who is closest."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from nextchar.report.standing import standings
from nextchar.results import HUMAN, REFERENCES, Difference, Metric, MetricInfo, Run, info_of

GAP = "–"
"""What stands where a metric does not apply."""
MOST_DECIMALS = 6
"""Digits are added up to here where a marked value and another one would read the same."""


@dataclass(frozen=True)
class Cell:
    """One value as text; all cells of a column have the same number of decimals.

    `interval` is `±0.03` where that is true of the whole column at this precision, else
    `[low, high]`, and empty where the interval is the value itself. `closest`: the sampler is
    marked, as the closest to human text or tied with it. `number` is the value, None for a gap.
    """

    value: str
    interval: str = ""
    closest: bool = False
    number: float | None = None

    @property
    def full(self) -> str:
        """Value and interval on one line."""
        return f"{self.value} {self.interval}".strip()


@dataclass(frozen=True)
class Row:
    """A sampler (or human text) and its cells, one per column; `name` is its label as shown."""

    label: str
    name: str
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

    Other references stand just above human text. `reference` is the name of that row.
    """

    columns: tuple[MetricInfo, ...]
    rows: tuple[Row, ...]
    reference: str = HUMAN


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


def headline_table(run: Run) -> Table:
    """The table that a terminal shows."""
    return compare(run.headlines, run.definitions, run.differences, run.reference)


def compare(
    metrics: Sequence[Metric],
    definitions: Mapping[str, MetricInfo],
    differences: Sequence[Difference] = (),
    reference: str = HUMAN,
) -> Table:
    """Arrange rows of metrics.csv as a table; `definitions` and `reference` are those of the run.

    Who is marked follows from `differences`: without them nobody is.
    """
    columns: dict[str, list[Metric]] = {}
    for row in metrics:
        columns.setdefault(row.metric, []).append(row)
    labels = dict.fromkeys(row.sampler for row in metrics)
    marked = {each.metric: each.marked for each in standings(metrics, differences)}
    cells: dict[tuple[str, str], Cell] = {}
    for name, rows in columns.items():
        bounds = info_of(definitions, name).bounds
        for row, cell in zip(rows, as_cells(rows, marked.get(name, ()), bounds), strict=True):
            cells[row.sampler, name] = cell
    infos = (replace(info_of(definitions, name), unit=columns[name][0].unit) for name in columns)
    return Table(
        tuple(infos),
        tuple(
            Row(
                label,
                reference if label == HUMAN else label,
                tuple(cells.get((label, name), Cell(GAP)) for name in columns),
            )
            for label in sorted(labels, key=lambda label: (label in REFERENCES, label == HUMAN))
        ),
        reference,
    )


def as_cells(
    rows: Sequence[Metric],
    marked: Collection[str] = (),
    bounds: tuple[float | None, float | None] = (None, None),
) -> list[Cell]:
    """The rows of one metric as text, with digits until marked and unmarked values differ.

    Intervals end at the metric's `bounds`: Student's don't know them.
    """
    places = decimals(rows)
    while places < MOST_DECIMALS and _mixed(rows, marked, places):
        places += 1
    least, most = (-math.inf if bounds[0] is None else bounds[0], bounds[1] or math.inf)
    kept = [replace(row, low=max(row.low, least), high=min(row.high, most)) for row in rows]
    even = all(_is_even(row, places) for row in kept)
    return [
        Cell(GAP)
        if math.isnan(row.value)
        else Cell(
            _text(row.value, places),
            _interval(row, places, even),
            row.sampler in marked,
            row.value if math.isfinite(row.value) else None,
        )
        for row in kept
    ]


def _mixed(rows: Sequence[Metric], marked: Collection[str], places: int) -> bool:
    """Whether a marked sampler and another one read the same."""
    mine, others = (
        {
            _text(row.value, places)
            for row in rows
            if row.sampler not in REFERENCES and (row.sampler in marked) == mark
        }
        for mark in (True, False)
    )
    return not mine.isdisjoint(others)


def _has_interval(row: Metric) -> bool:
    return math.isfinite(row.low) and math.isfinite(row.high) and row.low != row.high


def _is_even(row: Metric, places: int) -> bool:
    """Whether an interval, if there is one, reaches as far up as down at this precision."""
    if not _has_interval(row):
        return True
    return _text(row.high - row.value, places) == _text(row.value - row.low, places)


def _interval(row: Metric, places: int, even: bool) -> str:
    if not _has_interval(row):
        return ""
    if even:
        reach = _text(row.high - row.value, places)
        return f"±{reach}" if float(reach) else f"±<{10**-places:.{places}f}"
    return f"[{_text(row.low, places)}, {_text(row.high, places)}]"


def _text(value: float, places: int) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text
