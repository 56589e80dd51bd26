"""The stages put together: corpus, trained model, comparison, plots and report."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from nextchar import config, plots, report, results, tracking
from nextchar.config import Config
from nextchar.data import corpus
from nextchar.data.corpus import Corpus
from nextchar.decoding.prompts import needed_validation
from nextchar.decoding.registry import Decoder, build_decoders
from nextchar.experiment import compare, manifest, pool_seeds
from nextchar.experiment.compare import Comparison
from nextchar.metrics import trial
from nextchar.metrics.catalog import definitions
from nextchar.metrics.estimators import write_sums
from nextchar.metrics.mauve import measure
from nextchar.models.registry import build_model
from nextchar.results import Run, TrainingRecord, provenance
from nextchar.runtime import device, files, lock, progress
from nextchar.training.store import RecordCallback, load_or_train


@dataclass(frozen=True)
class _Setting:
    """What the seeds of a comparison share, checked: nothing was written yet."""

    text: Corpus
    methods: Sequence[Decoder]
    place: torch.device
    command: str
    since: float


def run_experiment(
    asked: Config,
    command: str,
    on_record: RecordCallback = lambda record: None,
    *,
    since: float = math.inf,
) -> Run:
    """One comparison, done, or read back where it is already; `command` is kept for the record.

    With asked.seeds it is a comparison for each, done or found in a run of its own, and the run
    that pools them. `on_record` sees each record of the training, with several seeds that of the
    first, those from before a stop again too; what it raises ends the run, whose training goes on
    from its last checkpoint when it is asked for again.
    Processes that want the same run, or the same model, wait for the one that makes it. With
    asked.force, a model that was trained after `since` (seconds since the epoch) is left as it is:
    so the jobs of a sweep don't train it again for each other.
    Raises ConfigError, before anything is written, for what can't be run.
    """
    config.load_plugins(asked.plugins)  # a job's own process has not composed the config
    provenance.code()  # read now: the files may change while this runs
    results.require_latest(asked.outputs)
    methods = build_decoders(asked.decoding.samplers, asked.decoding.samples_per_prompt)
    place = device.choose(asked.device)
    text = corpus.load(asked.corpus)
    text.require(asked.model.context + 1, needed_validation(asked.decoding))
    if asked.metrics.frontier:
        measure.require(text, asked.decoding, asked.metrics)
    trial.require(asked.plugins, text, asked.decoding, asked.metrics.epsilon)
    if text.substituted:
        progress.say(f"note: {text.substituted}")
    setting = _Setting(text, methods, place, command, since)
    if asked.seeds is None:
        return _one(asked, setting, on_record)
    return _several(asked, setting, on_record)


def _one(asked: Config, setting: _Setting, on_record: RecordCallback) -> Run:
    model_id, run_id = _identities(asked, setting.text)

    def make(folder: Path) -> None:
        _compare(asked, setting, on_record, folder, model_id, run_id)

    return _kept(asked, setting, run_id, make)


def _several(asked: Config, setting: _Setting, on_record: RecordCallback) -> Run:
    run_id = config.pooled_id([_identities(part, setting.text)[1] for part in asked.parts])

    def make(folder: Path) -> None:
        started = provenance.now()
        runs = []
        for index, part in enumerate(asked.parts):
            progress.say(f"seed {part.seed}: {index + 1} of {len(asked.parts)}")
            runs.append(_one(part, setting, on_record if index == 0 else lambda record: None))
        pool_seeds.write(folder, asked, runs)
        facts = {
            "name": asked.name,
            "run_id": run_id,
            "command": setting.command,
            **pool_seeds.origins(runs, folder),
            "times": {"started": started, "finished": provenance.now()},
        }
        results.write_json(folder / results.MANIFEST, facts)

    return _kept(asked, setting, run_id, make)


def _identities(asked: Config, text: Corpus) -> tuple[str, str]:
    """model_id and run_id of a comparison with one seed."""
    model_id = config.model_id(asked, text.sha256, text.vocabulary.characters)
    plugins = config.load_plugins(asked.plugins)
    run_id = config.run_id(asked, model_id, instead=bool(text.substituted), plugins=plugins)
    return model_id, run_id


def _kept(asked: Config, setting: _Setting, run_id: str, make: Callable[[Path], None]) -> Run:
    """The run of this identity, which `make` puts into its folder where it is not finished."""
    folder = asked.outputs / "runs" / f"{asked.name}-{run_id}"
    done = folder / results.DONE
    with ExitStack() as turn:
        if asked.force or not done.exists():
            device.configure_torch(asked.threads)
            # What can't be built is said before anything is written.
            build_model(asked.model, len(setting.text.vocabulary), asked.seed)
            turn.enter_context(
                lock.holding(folder.with_name(f"{folder.name}.lock"), f"run {run_id}")
            )
        if done.exists() and not asked.force:
            _say_of_stored(folder)
        else:
            if folder.exists():
                shutil.rmtree(folder)
            files.write_text(folder / results.CONFIG, config.to_yaml(asked))
            make(folder)
            finished = results.read_run(folder)
            report.write_report(finished, plots.draw_all(finished, folder / results.PLOTS))
            files.write_text(done, provenance.now() + "\n")
        results.point_latest(folder)
        return results.read_run(folder)


def _compare(
    asked: Config,
    setting: _Setting,
    on_record: RecordCallback,
    folder: Path,
    model_id: str,
    run_id: str,
) -> None:
    """Train or find the model, compare, and write all but the report."""
    started = provenance.now()
    text, methods = setting.text, setting.methods
    model = build_model(asked.model, len(text.vocabulary), asked.seed).to(setting.place)
    with tracking.track(
        folder / results.LABML, name=asked.name, config=asdict(asked), comment=run_id
    ) as tracker:

        def log(record: TrainingRecord) -> None:
            tracking.track_record(tracker, record)
            on_record(record)

        trained = load_or_train(asked, text, model, model_id, log, since=setting.since)
        tracker.flush()
        if setting.place.type == "mps":
            progress.say("note: device=mps has no float64, so texts are written on the cpu")
            model.to("cpu")
        compared = compare.compare(
            model, text, methods, asked.decoding, asked.metrics, asked.seed, asked.plugins
        )
        tracking.track_results(tracker, asked.training.steps, compared.metrics, compared.samples)
    results.write_metrics(folder / results.METRICS, compared.metrics)
    results.write_definitions(folder, definitions(compared.metrics, asked.plugins))
    _write_tables(folder, compared)
    write_sums(folder / results.SUMS, compared.sums)
    results.write_samples(folder / results.SAMPLES, compared.samples)
    facts = {
        "name": asked.name,
        "run_id": run_id,
        "model_id": model_id,
        "command": setting.command,
        "warnings": [trained.other_code] if trained.other_code else [],
        **manifest.origins(asked, text, model, trained.facts, folder, setting.place),
        "without_exact_distribution": [each.label for each in methods if not each.exact],
        "times": {"started": started, "finished": provenance.now()},
    }
    results.write_json(folder / results.MANIFEST, facts)
    results.write_json(folder / results.TIMINGS, {"training": trained.timing, **compared.timings})


def _write_tables(folder: Path, compared: Comparison) -> None:
    """The tables beside metrics.csv; one without rows (no family, no known truth) has no file."""
    for name, kind, rows in (
        (results.DIFFERENCES, results.Difference, compared.differences),
        (results.FAMILIES, results.FamilyFigure, compared.families),
        (results.TRUNCATION, results.Truncation, compared.truncation),
        (results.POSSIBLE, results.Possible, compared.possible),
    ):
        if rows:
            results.write_rows(folder / name, kind, rows)


def _say_of_stored(folder: Path) -> None:
    stored = results.read_json(folder / results.MANIFEST)
    other_code = provenance.other_code(stored["code"], "these results were made")
    if other_code:
        progress.say(f"warning: {other_code}")
    progress.say(f"finished on {stored['times']['finished']}; force=true computes it again")
