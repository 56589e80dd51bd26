"""The folder of a run: the names of its files, and what is in them that is no table."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nextchar.config import ConfigError, read_yaml
from nextchar.results.schema import (
    Difference,
    FamilyFigure,
    Metric,
    MetricInfo,
    Possible,
    TrainingRecord,
    Truncation,
    info_of,
    read_metrics,
    read_rows,
    read_training,
)
from nextchar.runtime import files

CONFIG, MANIFEST, TIMINGS = "config.yaml", "manifest.json", "timings.json"
METRICS, SAMPLES, TRAINING = "metrics.csv", "samples.jsonl", "training.csv"
DEFINITIONS = "metrics.json"
DIFFERENCES, SUMS = "differences.csv", "sums.csv"
TRUNCATION, POSSIBLE, FAMILIES = "truncation.csv", "possible.csv", "families.csv"
PLOTS, REPORT, LABML, DONE = "plots", "report.html", "labml", "DONE"
"""Names of the files and folders of a run; training.csv lies with its model."""
MODEL = "model.json"
"""What is known of a trained model; written last, so that it marks a training as finished."""


@dataclass(frozen=True)
class Sample:
    """One generated text (or, for `human`, the true continuation of the prompt).

    `prompt` and `sample` are indices; `bits` is -log2 p of each character under the untouched
    model, as long as `text`.
    """

    sampler: str
    prompt: int
    sample: int
    prompt_text: str
    text: str
    bits: tuple[float, ...]


@dataclass(frozen=True)
class Run:
    """A finished run as it lies on disk: everything that the plots and the report read.

    Of a run that pools seeds, `trainings` has the records of each, and `training` none.
    """

    folder: Path
    config: Mapping[str, Any]
    manifest: Mapping[str, Any]
    timings: Mapping[str, Any]
    metrics: Sequence[Metric]
    samples: Sequence[Sample]
    training: Sequence[TrainingRecord]
    differences: Sequence[Difference] = ()
    truncation: Sequence[Truncation] = ()
    possible: Sequence[Possible] = ()
    families: Sequence[FamilyFigure] = ()
    trainings: Mapping[int, Sequence[TrainingRecord]] = field(default_factory=dict)
    definitions: Mapping[str, MetricInfo] = field(default_factory=dict)

    @property
    def seeds(self) -> list[int]:
        """The seeds that are pooled; none in a run of one seed."""
        return [part["seed"] for part in self.manifest.get("runs", [])]

    @property
    def samplers(self) -> list[str]:
        """Labels in the order in which they were asked for, `human` last."""
        return list(dict.fromkeys(row.sampler for row in self.metrics))

    def info(self, metric: str) -> MetricInfo:
        """What the metric is called and what it says."""
        return info_of(self.definitions, metric)

    def by_group(self) -> dict[str, list[Metric]]:
        """The rows of the metrics by their group, in the order of the groups' first appearance."""
        grouped: dict[str, list[Metric]] = {}
        for row in self.metrics:
            grouped.setdefault(self.info(row.metric).group, []).append(row)
        return grouped

    def value(self, sampler: str, metric: str) -> Metric | None:
        """The row of one sampler and metric, or None where it does not apply."""
        for row in self.metrics:
            if (row.sampler, row.metric) == (sampler, metric):
                return row
        return None


def read_run(folder: Path) -> Run:
    """A finished run; its training records lie with its model, and are gone when that is."""
    manifest = read_json(folder / MANIFEST)
    trainings = {
        part["seed"]: _training(folder, part["model_id"]) for part in manifest.get("runs", [])
    }
    return Run(
        folder=folder,
        config=read_yaml(folder / CONFIG),
        manifest=manifest,
        timings=read_json(folder / TIMINGS),
        metrics=read_metrics(folder / METRICS),
        samples=read_samples(folder / SAMPLES),
        training=[] if trainings else _training(folder, manifest["model_id"]),
        differences=read_rows(Difference, folder / DIFFERENCES),
        truncation=read_rows(Truncation, folder / TRUNCATION),
        possible=read_rows(Possible, folder / POSSIBLE),
        families=read_rows(FamilyFigure, folder / FAMILIES),
        trainings={seed: records for seed, records in trainings.items() if records},
        definitions=read_definitions(folder),
    )


def write_definitions(folder: Path, definitions: Iterable[MetricInfo]) -> None:
    """Write metrics.json: what each metric of the run is called and what it says."""
    write_json(folder / DEFINITIONS, {each.name: asdict(each) for each in definitions})


def read_definitions(folder: Path) -> dict[str, MetricInfo]:
    """Read metrics.json; none in a run that an older version made."""
    path = folder / DEFINITIONS
    if not path.exists():
        return {}
    return {
        name: MetricInfo(
            **{
                **row,
                "ends": tuple(row["ends"]) if row["ends"] else None,
                "bounds": tuple(row["bounds"]),
            }
        )
        for name, row in read_json(path).items()
    }


def model_ids(manifest: Mapping[str, Any]) -> list[str]:
    """The trained models that a run rests on: one, or one for each of its seeds."""
    return [str(part["model_id"]) for part in manifest.get("runs", [manifest])]


def _training(folder: Path, model_id: str) -> list[TrainingRecord]:
    path = folder.parent.parent / "models" / model_id / TRAINING
    return read_training(path) if path.exists() else []


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write samples.jsonl, a text a line; bits are rounded to 1e-6."""
    lines = []
    for sample in samples:
        record = asdict(sample) | {"bits": [round(bits, 6) for bits in sample.bits]}
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    files.write_text(path, "".join(lines))


def read_samples(path: Path) -> list[Sample]:
    """Read samples.jsonl."""
    records = map(json.loads, path.read_text(encoding="utf-8").split("\n")[:-1])
    return [Sample(**{**record, "bits": tuple(record["bits"])}) for record in records]


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file for people and programs: indented, keys in their order."""
    files.write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file."""
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def point_latest(folder: Path) -> None:
    """Make outputs/latest a link to `folder`, a run or a sweep, in one step."""
    outputs = folder.parent.parent
    require_latest(outputs)
    with files.replacing(outputs / "latest") as temporary:
        temporary.symlink_to(os.path.relpath(folder, outputs), target_is_directory=True)


def require_latest(outputs: Path) -> None:
    """Raise ConfigError where something that is no link stands in the place of outputs/latest."""
    latest = outputs / "latest"
    if os.path.lexists(latest) and not latest.is_symlink():
        kind = "folder" if latest.is_dir() else "file"
        raise ConfigError(
            f"paths.outputs={outputs}: {latest} is a {kind}, and must be a link to the newest run: "
            "move it away"
        )
