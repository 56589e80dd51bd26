"""The rows of a run's tables, and CSV files of them: with a header, figures to the last digit."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, cast

from nextchar.runtime import files

Row = TypeVar("Row")

OVERALL = "overall distance"
"""The mean over metrics of a family's distance from human text, in standard deviations."""

HUMAN = "human"
"""The row that every sampler is compared with: held-out text of the same length."""
HUMAN_TRAINING, JUDGE = "human (training)", "n-gram judge"
"""Further references: pieces of the training text, and text drawn from the n-gram judge."""
REFERENCES = (HUMAN, HUMAN_TRAINING, JUDGE)
"""Rows that are no samplers of the model: shown beside them, and never ranked."""

MANY = 64
"""Of more samplers only the families are compared and drawn: no pairs, no figure of each sampler,
and nothing for which a model has to read each one's texts again."""


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """What a metric is called and what it says: a row of a run's metrics.json.

    `short` heads a column (newlines allowed), `long` an axis; `ends` says what a low and a high
    value mean; values lie within `bounds`, None where there is no bound. No metric has a better
    end: closest to human text is best. Metrics of one `group` share a table; a `headline` is in the
    terminal's table too.
    """

    name: str
    unit: str
    short: str
    long: str
    description: str = ""
    ends: tuple[str, str] | None = None
    bounds: tuple[float | None, float | None] = (None, None)
    group: str = "other metrics"
    headline: bool = False

    @property
    def line(self) -> str:
        """The short name on one line."""
        return self.short.replace("/\n", "/").replace("\n", " ")


def info_of(definitions: Mapping[str, MetricInfo], metric: str) -> MetricInfo:
    """The definition of a metric; one that is not defined goes by its name."""
    return definitions.get(metric) or MetricInfo(name=metric, unit="", short=metric, long=metric)


@dataclass(frozen=True)
class Metric:
    """One figure: the value, its 95% interval [low, high], and n, the units that it pools."""

    sampler: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    unit: str


@dataclass(frozen=True)
class Difference:
    """Two samplers on one metric, on the same prompts: the first's value minus the second's.

    `nearer` is how much farther from human text the first is than the second (below zero: it is
    closer); NaN where human text has no such figure. Intervals are 95%; `p` is of one comparison,
    `holm` and `nearer_holm` are corrected for all pairs of the metric.
    """

    metric: str
    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    holm: float
    nearer: float
    nearer_low: float
    nearer_high: float
    nearer_holm: float


@dataclass(frozen=True)
class FamilyFigure:
    """A family of samplers on one metric, at a setting chosen on other prompts.

    `kind` says how it was chosen: `best` for this metric, or where the family has the same `bits`,
    `diversity`, `entropy` or `recall` as all others (`equal bits`). `distance` is that from human
    text on the reporting prompts, `level` the corrected p-value of the hypothesis that the family
    is as close as the closest one, `detectable` how much farther than that one it would have to be
    to differ significantly from it in 80% of such comparisons, `settings` how many the choice was
    from. Of several trainings `by_seed` has the value of each, separated by spaces. Intervals are
    95%.
    """

    kind: str
    metric: str
    family: str
    setting: str
    value: float
    low: float
    high: float
    distance: float
    distance_low: float
    distance_high: float
    level: float
    human: float
    detectable: float = math.nan
    settings: int = 0
    by_seed: str = ""


@dataclass(frozen=True)
class Truncation:
    """One setting of a family of samplers, or of the oracle, where the truth is known: mass on
    impossible characters, true mass cut off, divergence from the truth in bits and total variation
    from it (the last two NaN for the oracle), with 95% intervals."""

    family: str
    parameter: float
    impossible: float
    impossible_low: float
    impossible_high: float
    lost: float
    lost_low: float
    lost_high: float
    divergence: float
    divergence_low: float
    divergence_high: float
    distance: float = math.nan
    distance_low: float = math.nan
    distance_high: float = math.nan


@dataclass(frozen=True)
class Possible:
    """Share of a sampler's texts that are still possible after so many characters."""

    sampler: str
    characters: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class TrainingRecord:
    """One row of training.csv; nats per character, `val_loss` is None between evaluations."""

    step: int
    train_loss: float
    val_loss: float | None
    learning_rate: float
    characters_per_second: float


def number(value: float | int | None) -> str:
    """A figure as it stands in a CSV file: the shortest digits that read back as the same float,
    empty where there is none."""
    return "" if value is None else repr(float(value)).removesuffix(".0")


def as_csv(lines: Iterable[Sequence[str]]) -> str:
    """The text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def find_row(rows: Iterable[Metric], sampler: str, metric: str) -> Metric | None:
    """The row of one sampler and metric, or None."""
    return next((row for row in rows if (row.sampler, row.metric) == (sampler, metric)), None)


def _read(kind: type[Row], path: Path) -> list[Row]:
    """The rows of a CSV file; an empty field is None, a column that is missing has its default."""
    readers: dict[str, Callable[[str], Any]] = {
        "str": str,
        "int": int,
        "float": float,
        "float | None": lambda text: float(text) if text else None,
    }
    columns = {each.name: readers[str(each.type)] for each in fields(cast(Any, kind))}
    with path.open(encoding="utf-8", newline="") as file:
        return [
            kind(**{name: columns[name](text) for name, text in row.items()})
            for row in csv.DictReader(file)
        ]


def write_metrics(path: Path, rows: Iterable[Metric]) -> None:
    """Write metrics.csv."""
    write_rows(path, Metric, rows)


def read_metrics(path: Path) -> list[Metric]:
    """Read metrics.csv."""
    return _read(Metric, path)


def write_rows(path: Path, kind: type, rows: Iterable[Any]) -> None:
    """Write a table, such as differences.csv: a column per field of the rows."""
    names = [each.name for each in fields(kind)]
    lines = [[getattr(row, name) for name in names] for row in rows]
    text = [[each if isinstance(each, str) else number(each) for each in line] for line in lines]
    files.write_text(path, as_csv([names, *text]))


def read_rows(kind: type[Row], path: Path) -> list[Row]:
    """Read one of the further tables; a run that has no such figures has no such file."""
    return _read(kind, path) if path.exists() else []


def write_training(path: Path, rows: Iterable[TrainingRecord]) -> None:
    """Write training.csv."""
    write_rows(path, TrainingRecord, rows)


def seconds_taken(rows: Iterable[TrainingRecord], characters_a_step: int) -> list[float]:
    """The seconds that all steps up to each record took, over every part of a stopped training."""
    taken, seconds, before = [], 0.0, 0
    for row in rows:
        seconds += (row.step - before) * characters_a_step / row.characters_per_second
        before = row.step
        taken.append(seconds)
    return taken


def read_training(path: Path) -> list[TrainingRecord]:
    """Read training.csv."""
    return _read(TrainingRecord, path)
