"""The stages put together: corpus, trained model, comparison, plots and report."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from nextchar import (
    atomic,
    checkpoint,
    comparison,
    config,
    corpus,
    device,
    evaluation,
    generation,
    lock,
    manifest,
    plots,
    progress,
    report,
    results,
    tracking,
    training,
    writing,
)
from nextchar.baseline import LabmlTransformer
from nextchar.comparison import Comparison
from nextchar.config import Config, ModelConfig, TrainingConfig
from nextchar.corpus import Corpus
from nextchar.gpt2 import GPT2
from nextchar.methods import build_methods
from nextchar.model import LanguageModel, Transformer
from nextchar.results import Run, TrainingRecord
from nextchar.tracking import Tracker

MODEL = "model.json"
"""What is known of a trained model; written last, so that it marks a training as finished."""

KINDS: dict[str, Callable[[ModelConfig, int], LanguageModel]] = {
    "transformer": Transformer,
    "labml_nn": LabmlTransformer,
    "gpt2": GPT2,
}

PAST_THE_CONTEXT = {
    "transformer": "the window slides: a character attends to the last model.context characters, "
    "whose keys and values stay as they were computed",
    "labml_nn": "the text is cropped: the last model.context characters are read anew each time",
    "gpt2": "the text is cropped: the last model.context characters are read anew each time",
}


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
            trained = _trained(asked, text, model, model_id, tracker, on_record, since)
            if place.type == "mps":
                progress.say("note: device=mps has no float64, so texts are written on the cpu")
                model.to("cpu")
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
            **_origins(asked, text, model, trained, folder, place),
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


def build_model(shape: ModelConfig, vocabulary_size: int, seed: int) -> LanguageModel:
    """An untrained model; its weights come from the seed, and torch's own state stays as it was."""
    with torch.random.fork_rng(device.generators()):
        torch.manual_seed(seed)
        return KINDS[shape.kind](shape, vocabulary_size)


@dataclass(frozen=True)
class _TrainedModel:
    """What model.json says, and what it cost to train; `other_code` is a warning, or None."""

    facts: dict[str, Any]
    timing: dict[str, float]
    other_code: str | None


def _trained(
    asked: Config,
    text: Corpus,
    model: LanguageModel,
    model_id: str,
    tracker: Tracker,
    watcher: Callable[[TrainingRecord], None],
    since: float,
) -> _TrainedModel:
    """Put trained weights into `model`, found or trained now; each record goes to the tracker.

    Whoever else needs this model waits, and finds it trained.
    """
    folder = Path(asked.paths.outputs) / "models" / model_id
    with lock.holding(folder.with_name(f"{model_id}.lock"), f"model {model_id}"):
        return _trained_alone(asked, text, model, folder, tracker, watcher, since)


def _trained_alone(
    asked: Config,
    text: Corpus,
    model: LanguageModel,
    folder: Path,
    tracker: Tracker,
    watcher: Callable[[TrainingRecord], None],
    since: float,
) -> _TrainedModel:
    model_id = folder.name

    def on_record(record: TrainingRecord) -> None:
        scalars = {"loss.train": record.train_loss, "learning_rate": record.learning_rate}
        if record.val_loss is not None:
            scalars["loss.validation"] = record.val_loss
        tracker.scalars(record.step, scalars)
        watcher(record)

    if asked.force and not _is_newer(folder / MODEL, since):
        _empty(folder)
    if (folder / MODEL).exists():
        progress.say(f"model {model_id} is trained already")
        for record in results.read_training(folder / results.TRAINING):
            on_record(record)
    else:
        trained = training.train(
            model, text, asked.training, seed=asked.seed, folder=folder, on_record=on_record
        )
        facts = {
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "validation_loss": trained.last_loss,
            "best_validation_loss": trained.best_loss,
            "best_step": trained.best_step,
            "protocol": evaluation.protocol(model.context),
            "precision": training.precision(model, asked.training),
            **_further_losses(trained, asked.training, model.context),
            "code": manifest.code(),
        }
        results.write_json(folder / MODEL, facts)
    tracker.flush()
    training.load_weights(model, folder, asked.decoding.checkpoint)
    stored = results.read_json(folder / MODEL)
    other_code = _other_code(stored["code"], f"the model {model_id} was trained")
    if other_code:
        progress.say(f"warning: {other_code}")
    records = results.read_training(folder / results.TRAINING)
    return _TrainedModel(stored, _training_cost(records, asked), other_code)


def _further_losses(
    trained: training.Trained, config: TrainingConfig, context: int
) -> dict[str, Any]:
    """The figures of model.json that only some trainings have."""
    facts: dict[str, Any] = {}
    if config.fold:
        facts |= {"fold_validation_loss": trained.fold_loss, "fold_step": trained.fold_step}
    if config.random_windows:
        facts |= {
            "validation_loss_windows": trained.last_random,
            "best_validation_loss_windows": trained.best_random,
            "protocol_windows": evaluation.random_protocol(context, config.random_windows),
        }
    return facts


def _training_cost(records: list[TrainingRecord], asked: Config) -> dict[str, float]:
    """Seconds of the steps themselves, summed over every part of an interrupted training."""
    characters, seconds, before = 0, 0.0, 0
    for record in records:
        read = (record.step - before) * asked.training.batch_size * asked.model.context
        characters, seconds, before = (
            characters + read,
            seconds + read / record.characters_per_second,
            record.step,
        )
    return {"seconds": seconds, "characters_per_second": characters / seconds}


def _origins(
    asked: Config,
    text: Corpus,
    model: LanguageModel,
    trained: _TrainedModel,
    folder: Path,
    place: torch.device,
) -> dict[str, Any]:
    """The part of the manifest that says where the figures came from."""
    return {
        "warnings": [trained.other_code] if trained.other_code else [],
        "code": manifest.code(),
        "corpus": {
            "name": text.name,
            "requested": asked.corpus.name,
            "substituted": text.substituted,
            "sha256": text.sha256,
            "characters": len(text.text),
            "vocabulary_size": len(text.vocabulary),
            "entropy_rate": text.automaton.entropy_rate() if text.automaton else None,
        },
        "model": trained.facts | {"checkpoint": asked.decoding.checkpoint},
        "generation": {
            "past_the_context": PAST_THE_CONTEXT[asked.model.kind],
            "precision": "float32 logits, float64 probabilities",
            "rows_in_a_block": generation.BLOCK,
            "device": next(model.parameters()).device.type,
            "noise": "inverse transform, float64, keyed by (seed, prompt, sample)",
        },
        "seeds": {"seed": asked.seed, "corpus": asked.corpus.seed},
        "hardware": device.describe(place),
        "packages": manifest.packages(),
        "sha256": {
            "weights": checkpoint.weights_sha256(model.state_dict()),
            "samples": manifest.file_sha256(folder / results.SAMPLES),
            "metrics": manifest.file_sha256(folder / results.METRICS),
            **{
                Path(name).stem: manifest.file_sha256(folder / name)
                for name in (
                    results.DIFFERENCES,
                    results.FAMILIES,
                    results.TRUNCATION,
                    results.POSSIBLE,
                )
                if (folder / name).exists()
            },
        },
    }


def _track(tracker: Tracker, step: int, compared: Comparison) -> None:
    """Every figure and every text, after the last step of the training."""
    for metric in compared.metrics:
        tracker.scalars(step, {f"{metric.metric}.{metric.sampler}": metric.value})
    for sample in compared.samples:
        tracker.texts(sample.prompt, {f"sample.{sample.sampler}": sample.text})


def _other_code(code: dict[str, Any], what: str) -> str | None:
    if code["sha256"] == manifest.code()["sha256"]:
        return None
    commit = code["commit"] or "no commit"
    return f"{what} by another version of the code ({commit[:12]}); force=true computes it again"


def _say_of_stored(folder: Path) -> None:
    stored = results.read_json(folder / results.MANIFEST)
    other_code = _other_code(stored["code"], "these results were made")
    if other_code:
        progress.say(f"warning: {other_code}")
    progress.say(f"finished on {stored['times']['finished']}; force=true computes it again")


def _is_newer(path: Path, since: float) -> bool:
    return path.exists() and path.stat().st_mtime >= since


def _empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
