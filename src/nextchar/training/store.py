"""Trained models on disk: one folder per model, shared by every run that needs it."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nextchar import results
from nextchar.config import Config, TrainingConfig, read_yaml
from nextchar.data.corpus import Corpus, Vocabulary
from nextchar.models.base import LanguageModel
from nextchar.models.registry import build_model
from nextchar.results import provenance
from nextchar.runtime import checked, device, files, lock, progress
from nextchar.runtime.checked import DamagedError
from nextchar.training import evaluation, trainer
from nextchar.training.trainer import RecordCallback, ignore


@dataclass(frozen=True)
class TrainedModel:
    """What model.json says, and the cost of training; `other_code` is a warning, or None."""

    facts: dict[str, Any]
    timing: dict[str, float]
    other_code: str | None


def load_or_train(
    model: LanguageModel,
    corpus: Corpus,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path,
    asked: str,
    checkpoint: str = "last",
    on_record: RecordCallback = ignore,
    force: bool = False,
) -> TrainedModel:
    """Put trained weights into `model`: those of `folder`, or of a training now that fills it.

    `folder` is named by the model's identity; `asked` is the config.yaml that it gets. `checkpoint`
    says which of its weights (last, best); `on_record` sees each record, of a finished training
    too. Another process that needs this model waits, and finds it trained. With `force`, or if a
    file of it is not what was written, it is trained again.
    """
    model_id = folder.name
    with lock.holding(folder.with_name(f"{model_id}.lock"), f"model {model_id}"):
        damage = None if force else _damage(folder)
        if damage:
            progress.say(f"{damage}; model {model_id} is trained again")
        if (force or damage) and folder.exists():
            shutil.rmtree(folder)
        files.clear(folder)
        if checked.is_finished(folder):
            progress.say(f"model {model_id} is trained already")
            for record in results.read_training(folder / results.TRAINING):
                on_record(record)
        else:
            if other := _other_length(folder, asked):
                progress.say(
                    f"note: model {other} differs in training.steps alone; its learning rate fell "
                    "over its own steps, so this training shares its first weights and batches "
                    "and starts from the beginning"
                )
            files.write_text(folder / results.CONFIG, asked)
            characters = {"characters": corpus.vocabulary.characters}
            results.write_json(folder / results.VOCABULARY, characters)
            done = trainer.train(
                model, corpus, config, seed=seed, folder=folder, on_record=on_record
            )
            results.write_json(folder / results.MODEL, _facts(model, config, done))
            checked.seal(folder, without=results.HISTORY)
            (folder / results.HISTORY).unlink(missing_ok=True)
        trainer.load_weights(model, folder, checkpoint)
        facts = results.read_json(folder / results.MODEL)
        records = results.read_training(folder / results.TRAINING)
    other_code = provenance.other_code(facts["code"], f"the model {model_id} was trained")
    if other_code:
        progress.say(f"warning: {other_code}")
    # Of the steps alone, summed over every part of an interrupted training.
    per_step = config.batch_size * model.context
    seconds = results.seconds_taken(records, per_step)[-1]
    speed = records[-1].step * per_step / seconds
    timing = {"seconds": seconds, "characters_per_second": speed}
    return TrainedModel(facts, timing, other_code)


def _other_length(folder: Path, asked: str) -> str | None:
    """A trained model beside `folder` whose config.yaml differs from `asked` in its steps alone."""
    if folder.exists():
        return None  # it has begun already
    wanted = _training_of(asked)
    for path in sorted(folder.parent.glob(f"*/{results.CONFIG}")):
        if _training_of(path.read_text(encoding="utf-8", errors="replace")) == wanted:
            return path.parent.name
    return None


def _training_of(config: str) -> list[str]:
    """The parts of a config.yaml that a training depends on, but for its number of steps."""
    parts = re.split(r"\n(?=\S)", config)
    names = ("seed:", "corpus:", "model:", "training:")
    return [re.sub(r"\n  steps: \d+", "", each) for each in parts if each.startswith(names)]


def _damage(folder: Path) -> DamagedError | None:
    """What is wrong with a model, trained to the end or not; None where all is whole."""
    if checked.is_finished(folder):
        return next(iter(checked.damage(folder)), None)
    return trainer.damage(folder)


@dataclass(frozen=True)
class StoredModel:
    """A model as its folder alone gives it back; `config` is that of the run that trained it."""

    model: LanguageModel
    vocabulary: Vocabulary
    config: Config


def load(folder: Path, checkpoint: str | None = None) -> StoredModel:
    """The trained model in `folder`; no text is needed.

    `checkpoint` says which of its weights (last, best), by default those that its config asks for.

    Raises DamagedError where a file of it is missing or not what was written.
    """
    checked.check(folder, results.CONFIG, results.VOCABULARY)
    config = Config.restore(read_yaml(folder / results.CONFIG))
    vocabulary = Vocabulary(results.read_json(folder / results.VOCABULARY)["characters"])
    model = build_model(config.model, len(vocabulary), config.seed)
    trainer.load_weights(model, folder, checkpoint or config.decoding.checkpoint)
    return StoredModel(model.eval(), vocabulary, config)


def _facts(
    model: LanguageModel, config: TrainingConfig, done: trainer.TrainingResult
) -> dict[str, Any]:
    """The content of model.json."""
    dtype = device.precision(config.precision, next(model.parameters()).device)
    facts = {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        **{name: value for name, value in asdict(done).items() if value is not None},
        "protocol": evaluation.protocol(model.context),
        "precision": str(dtype).removeprefix("torch."),
        "code": provenance.code(),
    }
    windows = config.nanogpt_eval_windows
    if windows:
        facts["protocol_windows"] = evaluation.nanogpt_protocol(model.context, windows)
    return facts
