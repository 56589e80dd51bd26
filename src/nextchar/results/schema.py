"""The rows of a run's tables, and CSV files of them: with a header, figures to the last digit."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from nextchar.runtime import files

HUMAN = "human"
"""The row that every sampler is held against: held-out text of the same length."""
HUMAN_TRAINING, JUDGE = "human (training)", "n-gram judge"
"""Further references: pieces of the training text, and text drawn from the n-gram judge."""
REFERENCES = (HUMAN, HUMAN_TRAINING, JUDGE)
"""Rows that are no samplers of the model: shown beside them, and never ranked."""


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """What a metric is called and what it says: a row of a run's metrics.json.

    `short` heads a column (newlines allowed), `long` an axis; `ends` says what a low and a high
    value mean; values lie within `bounds`, None where there is no bound. No metric has a better
    end: closest to human text is best. Metrics of one `group` share a table.
    """

    name: str
    unit: str
    short: str
    long: str
    description: str = ""
    ends: tuple[str, str] | None = None
    bounds: tuple[float | None, float | None] = (None, None)
    group: str = "other metrics"

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
    """Two samplers on one metric, on the same prompts: value of the first less the second's.

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
class StoredSums:
    """What one metric of one sampler was made of, cluster by cluster: what pooling runs needs.

    `numerators` and `denominators` are numbers with spaces between; `exponential` is 0 or 1, and
    `n` is -1 where the denominators count.
    """

    sampler: str
    metric: str
    unit: str
    clusters: str
    exponential: int
    n: int
    numerators: str
    denominators: str


@dataclass(frozen=True)
class FamilyFigure:
    """A family of samplers on one metric, at a setting chosen on other prompts.

    `kind` says how it was chosen: `best` for this metric, or `equal bits`, `equal diversity` with
    human text. `distance` is from human text on the reporting prompts, `level` the corrected p that
    the family is as close as the closest one. Intervals are 95%.
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


@dataclass(frozen=True)
class Truncation:
    """One setting of a family of samplers, or of the oracle: mass on impossible characters, true
    mass cut off, and divergence from the truth in bits (NaN for the oracle), with 95% intervals.
    Only where the truth is known."""

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
    """One row of training.csv; nats a character, `val_loss` is None between evaluations.

    `fold_loss` is that of the part of the train split which was held back, None where none was.
    """

    step: int
    train_loss: float
    val_loss: float | None
    learning_rate: float
    characters_per_second: float
    fold_loss: float | None = None


def number(value: float | int | None) -> str:
    """A figure as it stands in a CSV file: the shortest digits that read back as the same float,
    empty where there is none."""
    return "" if value is None else repr(float(value)).removesuffix(".0")


def _csv(kind: type, rows: Iterable[Any], without: Collection[str] = ()) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names := [each.name for each in fields(kind) if each.name not in without])
    for row in rows:
        values = [getattr(row, name) for name in names]
        writer.writerow([value if isinstance(value, str) else number(value) for value in values])
    return text.getvalue()


def _read_csv(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(1 << 30)  # sums.csv has a field as long as there are clusters
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_metrics(path: Path, rows: Iterable[Metric]) -> None:
    """Write metrics.csv."""
    files.write_text(path, _csv(Metric, rows))


def read_metrics(path: Path) -> list[Metric]:
    """Read metrics.csv."""
    return [
        Metric(
            sampler=row["sampler"],
            metric=row["metric"],
            value=float(row["value"]),
            low=float(row["low"]),
            high=float(row["high"]),
            n=int(row["n"]),
            unit=row["unit"],
        )
        for row in _read_csv(path)
    ]


def write_rows(path: Path, kind: type, rows: Iterable[Any]) -> None:
    """Write one of the further tables: differences, families, truncation, possible .csv."""
    files.write_text(path, _csv(kind, rows))


def read_rows(kind: type, path: Path) -> list[Any]:
    """Read one of the further tables; a run that has no such figures has no such file."""
    if not path.exists():
        return []
    types = {"str": str, "int": int, "float": float}
    columns = {field.name: types[str(field.type)] for field in fields(kind)}
    return [
        kind(**{name: column(row[name]) for name, column in columns.items()})
        for row in _read_csv(path)
    ]


def write_training(path: Path, rows: Iterable[TrainingRecord]) -> None:
    """Write training.csv; its last column, fold_loss, is there where a fold was held back."""
    rows = list(rows)
    held_back = any(row.fold_loss is not None for row in rows)
    files.write_text(path, _csv(TrainingRecord, rows, () if held_back else ("fold_loss",)))


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
    return [
        TrainingRecord(
            step=int(row["step"]),
            train_loss=float(row["train_loss"]),
            val_loss=float(row["val_loss"]) if row["val_loss"] else None,
            learning_rate=float(row["learning_rate"]),
            characters_per_second=float(row["characters_per_second"]),
            fold_loss=float(row["fold_loss"]) if row.get("fold_loss") else None,
        )
        for row in _read_csv(path)
    ]
