"""The stages put together: corpus, trained model, comparison, plots and report."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from nextchar import (
    atomic,
    comparison,
    config,
    corpus,
    device,
    lock,
    manifest,
    plots,
    progress,
    report,
    results,
    tracking,
    writing,
)
from nextchar.comparison import Comparison
from nextchar.config import Config
from nextchar.methods import build_methods
from nextchar.results import Run, TrainingRecord
from nextchar.tracking import Tracker
from nextchar.trained import build_model, trained_model


def run(
    asked: Config,
    command: str,
    on_record: Callable[[TrainingRecord], None] = lambda record: None,
    *,
    since: float = math.inf,
) -> Run:
    """One comparison, done, or read back where it is already; `command` is kept for the record.

    `on_record` sees each record of the training, those from before a stop again too; what it raises
    ends the run, whose training goes on from its last checkpoint when it is asked for again.
    Processes that want the same run, or the same model, wait for the one that makes it. With
    asked.force, a model that was trained after `since` (seconds since the epoch) is left as it is:
    so the jobs of a sweep don't train it again for each other.
    Raises ConfigError, before anything is written, for what can't be run.
    """
    with ExitStack() as turn:
        return _run(asked, command, on_record, since, turn)


def _run(
    asked: Config,
    command: str,
    on_record: Callable[[TrainingRecord], None],
    since: float,
    turn: ExitStack,
) -> Run:
    manifest.code()  # read now: the files may change while this runs
    samplers = build_methods(asked.decoding.samplers, asked.decoding.samples_per_prompt)
    place = device.choose(asked.device)
    text = corpus.load(asked.corpus)
    text.require(asked.model.context + 1, writing.needed_validation(asked.decoding))
    model_id = config.model_id(asked, text.sha256, text.vocabulary.characters)
    run_id = config.run_id(asked, model_id, instead=bool(text.substituted))
    folder = Path(asked.paths.outputs) / "runs" / f"{asked.name}-{run_id}"
    if text.substituted:
        progress.say(f"note: {text.substituted}")
    if asked.force or not (folder / results.DONE).exists():
        device.prepare(asked.threads)
        model = build_model(asked.model, len(text.vocabulary), asked.seed).to(place)
        turn.enter_context(lock.holding(folder.with_name(f"{folder.name}.lock"), f"run {run_id}"))
    if (folder / results.DONE).exists() and not asked.force:
        _say_of_stored(folder)
    else:
        started = manifest.now()
        _empty(folder)
        atomic.write_text(folder / results.CONFIG, config.to_yaml(asked))
        with tracking.track(
            folder / results.LABML, name=asked.name, config=asdict(asked), comment=run_id
        ) as tracker:
            trained = trained_model(asked, text, model, model_id, tracker, on_record, since)
            compared = comparison.compare(
                model, text, samplers, asked.decoding, asked.metrics, asked.seed
            )
            _track(tracker, asked.training.steps, compared)
        results.write_metrics(folder / results.METRICS, compared.metrics)
        _write_tables(folder, compared)
        results.write_samples(folder / results.SAMPLES, compared.samples)
        facts = {
            "name": asked.name,
            "run_id": run_id,
            "model_id": model_id,
            "command": command,
            "warnings": [trained.other_code] if trained.other_code else [],
            **manifest.origins(asked, text, model, trained.facts, folder),
            "without_exact_distribution": [each.label for each in samplers if not each.exact],
            "times": {"started": started, "finished": manifest.now()},
        }
        results.write_json(folder / results.MANIFEST, facts)
        results.write_json(
            folder / results.TIMINGS, {"training": trained.timing, **compared.timings}
        )
        finished = results.read_run(folder)
        report.write_report(finished, plots.draw_all(finished, folder / results.PLOTS))
        atomic.write_text(folder / results.DONE, manifest.now() + "\n")
    results.point_latest(folder)
    return results.read_run(folder)


def _write_tables(folder: Path, compared: Comparison) -> None:
    """The tables beside metrics.csv; one without rows (no family, no known truth) has no file."""
    for name, kind, rows in (
        (results.DIFFERENCES, results.Difference, compared.differences),
        (results.FAMILIES, results.FamilyFigure, compared.families),
        (results.SUMS, results.StoredSums, compared.sums),
        (results.TRUNCATION, results.Truncation, compared.truncation),
        (results.POSSIBLE, results.Possible, compared.possible),
    ):
        if rows:
            results.write_rows(folder / name, kind, rows)


def _track(tracker: Tracker, step: int, compared: Comparison) -> None:
    """Every figure and every text, after the last step of the training."""
    for metric in compared.metrics:
        tracker.scalars(step, {f"{metric.metric}.{metric.sampler}": metric.value})
    for sample in compared.samples:
        tracker.texts(sample.prompt, {f"sample.{sample.sampler}": sample.text})


def _say_of_stored(folder: Path) -> None:
    stored = results.read_json(folder / results.MANIFEST)
    other_code = manifest.other_code(stored["code"], "these results were made")
    if other_code:
        progress.say(f"warning: {other_code}")
    progress.say(f"finished on {stored['times']['finished']}; force=true computes it again")


def _empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
