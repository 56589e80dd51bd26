"""The folder of a run: the names of its files, and its contents except tables."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nextchar.config import ConfigError, read_yaml
from nextchar.results.candidates import Candidates, read_candidates
from nextchar.results.exact_ends import with_exact_ends
from nextchar.results.schema import (
    HUMAN,
    Difference,
    FamilyFigure,
    Metric,
    MetricInfo,
    Possible,
    TrainingRecord,
    Truncation,
    find_row,
    info_of,
    read_metrics,
    read_rows,
    read_training,
)
from nextchar.runtime import checked, files, progress
from nextchar.runtime.checked import DamagedError

CONFIG, MANIFEST, TIMINGS = "config.yaml", "manifest.json", "timings.json"
METRICS, SAMPLES, TRAINING = "metrics.csv", "samples.jsonl", "training.csv"
DEFINITIONS = "metrics.json"
DIFFERENCES, SUMS, CURVE_SUMS = "differences.csv", "sums.npz", "curve_sums.npz"
CANDIDATES, PLAY = "candidates.npz", "play.html"
TRUNCATION, POSSIBLE, FAMILIES = "truncation.csv", "possible.csv", "families.csv"
PLOTS, REPORT, LABML, DONE = "plots", "report.html", "labml", checked.DONE
"""Names of the files and folders of a run; training.csv lies with its model."""
MODEL = "model.json"
"""Facts about a trained model."""
HISTORY = "history.json"
"""The records so far, of a training that is not finished: training.csv that can be checked."""
VOCABULARY = "vocabulary.json"
"""The characters that a trained model knows, by their ids."""
OF_A_JOB = (MANIFEST, METRICS, DEFINITIONS)
"""What a sweep reads of a run."""
_TABLES = (DIFFERENCES, TRUNCATION, POSSIBLE, FAMILIES)
_OF_A_PART = (METRICS, CANDIDATES)
"""What pooled runs read of the run of each seed."""
_READ = (*OF_A_JOB, CONFIG, TIMINGS, SAMPLES, *_TABLES, SUMS, CURVE_SUMS, CANDIDATES)


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
    """A finished run as it lies on disk: everything that plots and report read.

    If it pools seeds, `trainings` has the records of each seed and `by_seed` the metrics of its own
    run, where that is still there; `training` is empty.
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
    by_seed: Mapping[int, Sequence[Metric]] = field(default_factory=dict)
    definitions: Mapping[str, MetricInfo] = field(default_factory=dict)
    candidates: Candidates | None = None

    @property
    def seeds(self) -> list[int]:
        """The seeds that are pooled; empty for a run of one seed."""
        return [part["seed"] for part in self.manifest.get("runs", [])]

    @property
    def reference(self) -> str:
        """Whose text the samplers are compared with, the row `human`: that of people, or, where
        nobody wrote the corpus, of its grammar."""
        return "grammar" if self.manifest.get("corpus", {}).get("name") == "grammar" else HUMAN

    @property
    def samplers(self) -> list[str]:
        """Labels in the order of the config, `human` last."""
        return list(dict.fromkeys(row.sampler for row in self.metrics))

    def info(self, metric: str) -> MetricInfo:
        """Title and description of the metric."""
        return info_of(self.definitions, metric)

    @cached_property
    def shown(self) -> list[Metric]:
        """The rows of metrics.csv as people are shown them: with exact ends (`exact_ends`)."""
        texts = Counter(sample.sampler for sample in self.samples)
        return with_exact_ends(self.metrics, texts, max(len(self.seeds), 1))

    @property
    def headlines(self) -> list[Metric]:
        """The rows that a terminal shows, metric by metric."""
        named = [name for name, info in self.definitions.items() if info.headline]
        return [row for name in named for row in self.shown if row.metric == name]

    def by_group(self) -> dict[str, list[Metric]]:
        """The rows of the metrics by their group, in the order of the groups' first appearance."""
        grouped: dict[str, list[Metric]] = {}
        for row in self.shown:
            grouped.setdefault(self.info(row.metric).group, []).append(row)
        return grouped

    def value(self, sampler: str, metric: str) -> Metric | None:
        """The row of one sampler and metric, or None if it does not apply."""
        return find_row(self.metrics, sampler, metric)


def seal(folder: Path) -> None:
    """Mark the run in `folder` as finished. labml's own logs are never read back: no part of it."""
    checked.seal(folder, without=LABML)


def damage(folder: Path) -> list[DamagedError]:
    """What is wrong with a finished run, with the records of its trainings, and with what is read
    of the runs that it pools."""
    found = checked.damage(folder, *_READ)
    if not found:
        manifest = read_json(folder / MANIFEST)
        beside = {_model(folder, model_id): [TRAINING] for model_id in model_ids(manifest)}
        beside |= {part: [*_OF_A_PART] for part in _parts(folder, manifest).values()}
        for each, names in beside.items():
            if checked.is_finished(each):
                found += checked.damage(each, *names, all_files=False)
    return found


def is_whole(folder: Path) -> bool:
    """Whether a run is finished, and nothing of it is damaged."""
    return checked.is_finished(folder) and not damage(folder)


def read_run(folder: Path) -> Run:
    """Read a finished run; its training records lie with its model, and are empty without it.

    Raises DamagedError, with a remedy, if a file of it is not what was written.
    """
    checked.check(folder, *_READ)
    return read_unsealed(folder)


def read_unsealed(folder: Path) -> Run:
    """Read a run that this process has just written, and not yet sealed."""
    manifest = read_json(folder / MANIFEST)
    trainings = {
        part["seed"]: _training(folder, part["model_id"]) for part in manifest.get("runs", [])
    }
    parts = _parts(folder, manifest)
    finished = {seed: part for seed, part in parts.items() if checked.is_finished(part)}
    for part in finished.values():
        checked.check(part, *_OF_A_PART, all_files=False)
    texts = finished.get(min(parts)) if parts else folder  # pooled runs have the first one's texts
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
        by_seed={seed: read_metrics(part / METRICS) for seed, part in finished.items()},
        definitions=read_definitions(folder),
        candidates=read_candidates(texts / CANDIDATES) if texts else None,
    )


def _parts(folder: Path, manifest: Mapping[str, Any]) -> dict[int, Path]:
    """The folders of the runs that a run pools, by their seeds."""
    return {part["seed"]: folder.parent / str(part["run"]) for part in manifest.get("runs", [])}


def write_definitions(folder: Path, definitions: Iterable[MetricInfo]) -> None:
    """Write metrics.json: title and description of each metric of the run."""
    write_json(folder / DEFINITIONS, {each.name: asdict(each) for each in definitions})


def read_definitions(folder: Path) -> dict[str, MetricInfo]:
    """Read metrics.json; empty for a run of an older version."""
    path = folder / DEFINITIONS
    definitions: dict[str, MetricInfo] = {}
    for name, row in (read_json(path) if path.exists() else {}).items():
        row |= {"ends": row["ends"] and tuple(row["ends"]), "bounds": tuple(row["bounds"])}
        definitions[name] = MetricInfo(**row)
    return definitions


def model_ids(manifest: Mapping[str, Any]) -> list[str]:
    """The trained models of a run: one for each of its seeds."""
    return [str(part["model_id"]) for part in manifest.get("runs", [manifest])]


def _model(folder: Path, model_id: str) -> Path:
    return folder.parent.parent / "models" / model_id


def _training(folder: Path, model_id: str) -> list[TrainingRecord]:
    """The records of a training, checked; none while the model is not finished, or gone."""
    model = _model(folder, model_id)
    if not checked.is_finished(model):
        if model.exists():
            progress.say(f"note: {model} is not finished: the records of its training are left out")
        return []
    checked.check(model, TRAINING, all_files=False)
    return read_training(model / TRAINING)


_SEPARATORS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""Where Python's splitlines, unlike JSON, would end a line too."""


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write samples.jsonl, one text per line; bits are rounded to 1e-6."""
    records = (asdict(each) | {"bits": [round(bits, 6) for bits in each.bits]} for each in samples)
    lines = (json.dumps(record, ensure_ascii=False).translate(_SEPARATORS) for record in records)
    files.write_text(path, "".join(f"{line}\n" for line in lines))


def read_samples(path: Path) -> list[Sample]:
    """Read samples.jsonl."""
    records = map(json.loads, path.read_text(encoding="utf-8").split("\n")[:-1])
    return [Sample(**{**record, "bits": tuple(record["bits"])}) for record in records]


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file for people and programs: indented, keys in their order."""
    files.write_text(path, files.as_json(value))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file."""
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def point_latest(folder: Path) -> None:
    """Atomically make outputs/latest a link to `folder`, a run or a sweep.

    Where that can't be (a disk that is only read, a folder of somebody else, Windows without the
    right to make links) it says so: nothing depends on the link.
    """
    outputs = folder.parent.parent
    require_latest(outputs)
    try:
        with files.replacing(outputs / "latest") as temporary:
            temporary.symlink_to(os.path.relpath(folder, outputs), target_is_directory=True)
    except OSError as error:
        progress.say(f"note: outputs/latest stays as it is ({error})")


def require_latest(outputs: Path) -> None:
    """Raise ConfigError if outputs/latest exists and is not a link."""
    latest = outputs / "latest"
    if os.path.lexists(latest) and not latest.is_symlink():
        kind = "folder" if latest.is_dir() else "file"
        raise ConfigError(
            f"paths.outputs={outputs}: {latest} is a {kind}, and must be a link to the newest run: "
            "move it away"
        )
