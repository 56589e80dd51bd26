"""A trained model, found or trained now: one folder a model, shared by every run that needs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextchar import results
from nextchar.config import Config, TrainingConfig
from nextchar.data.corpus import Corpus
from nextchar.models.base import LanguageModel
from nextchar.results import TrainingRecord, provenance
from nextchar.runtime import files, lock, progress
from nextchar.training import evaluation, trainer

RecordCallback = Callable[[TrainingRecord], None]
"""Sees each record of a training; what it raises ends the training."""


@dataclass(frozen=True)
class TrainedModel:
    """What model.json says, and what it cost to train; `other_code` is a warning, or None."""

    facts: dict[str, Any]
    timing: dict[str, float]
    other_code: str | None


def load_or_train(
    asked: Config,
    text: Corpus,
    model: LanguageModel,
    model_id: str,
    watcher: RecordCallback = lambda record: None,
) -> TrainedModel:
    """Put trained weights into `model`, found or trained now; the watcher sees each record.

    Whoever else needs this model waits, and finds it trained. With asked.force it is trained again.
    """
    folder = Path(asked.paths.outputs) / "models" / model_id
    with lock.holding(folder.with_name(f"{model_id}.lock"), f"model {model_id}"):
        if asked.force and folder.exists():
            shutil.rmtree(folder)
        files.clear(folder)
        if (folder / results.MODEL).exists():
            progress.say(f"model {model_id} is trained already")
            for record in results.read_training(folder / results.TRAINING):
                watcher(record)
        else:
            _train(asked, text, model, folder, watcher)
        trainer.load_weights(model, folder, asked.decoding.checkpoint)
        facts = results.read_json(folder / results.MODEL)
        records = results.read_training(folder / results.TRAINING)
    other_code = provenance.other_code(facts["code"], f"the model {model_id} was trained")
    if other_code:
        progress.say(f"warning: {other_code}")
    return TrainedModel(facts, _training_cost(records, asked), other_code)


def _train(
    asked: Config, text: Corpus, model: LanguageModel, folder: Path, watcher: RecordCallback
) -> None:
    """Train, or go on where it was stopped; at the end the folder gets its model.json."""
    trained = trainer.train(
        model, text, asked.training, seed=asked.seed, folder=folder, on_record=watcher
    )
    facts = {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "validation_loss": trained.last_loss,
        "best_validation_loss": trained.best_loss,
        "best_step": trained.best_step,
        "protocol": evaluation.protocol(model.context),
        "precision": trainer.precision(model, asked.training),
        **_further_losses(trained, asked.training, model.context),
        "code": provenance.code(),
    }
    results.write_json(folder / results.MODEL, facts)


def _further_losses(
    trained: trainer.TrainingResult, config: TrainingConfig, context: int
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
    a_step = asked.training.batch_size * asked.model.context
    seconds = results.seconds_taken(records, a_step)[-1]
    return {"seconds": seconds, "characters_per_second": records[-1].step * a_step / seconds}
