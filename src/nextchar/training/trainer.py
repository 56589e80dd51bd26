"""The weights are found: records, the best of them, checkpoints, and going on after a stop."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from nextchar import results
from nextchar.config import ConfigError, TrainingConfig
from nextchar.data.corpus import Corpus
from nextchar.models.base import LanguageModel
from nextchar.results import TrainingRecord
from nextchar.runtime import device, progress
from nextchar.training import checkpoint
from nextchar.training.evaluation import evaluate, evaluate_random
from nextchar.training.loss import MultiTokenLoss
from nextchar.training.optimizer import Optimizers, schedule
from nextchar.training.step import train_steps

LAST, BEST, FOLD = "last.safetensors", "best.safetensors", "fold.safetensors"
LOG = results.TRAINING


def precision(model: nn.Module, config: TrainingConfig) -> str:
    """What `auto` came to on the model's device: bfloat16 or float32."""
    dtype = device.precision(config.precision, next(model.parameters()).device)
    return str(dtype).removeprefix("torch.")


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to; losses in nats a character on the validation split.

    `fold_loss` and `fold_step` are of the checkpoint that did best on the held-back part of the
    train split, None where nothing was held back. `last_random` and `best_random` are by
    `evaluation.random_protocol`, None where that wasn't asked for; the others by
    `evaluation.protocol`.
    """

    last_loss: float
    best_loss: float
    best_step: int
    fold_loss: float | None
    fold_step: int | None
    last_random: float | None
    best_random: float | None


@dataclass
class _State:
    """Where a training stands: all that a checkpoint keeps beside weights and optimizers.

    `losses` are those of the steps since the last record. `least_on_fold` is what `fold_step`, with
    `fold_loss` on the validation split, was chosen by.
    """

    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    least_on_fold: float = math.inf
    fold_loss: float | None = None
    fold_step: int | None = None
    losses: list[float] = field(default_factory=list)


def train(
    model: LanguageModel,
    corpus: Corpus,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path,
    on_record: Callable[[TrainingRecord], None],
) -> TrainingResult:
    """Train to `config.steps`, going on from the checkpoint in `folder` if there is one.

    Every record goes to `on_record`, those from before a stop again too. Leaves the last weights in
    `model` (their average, where one is kept), and last.safetensors, best.safetensors and
    training.csv in `folder`. A training that was stopped and went on ends with the same bits as one
    that never stopped.
    """
    place = next(model.parameters()).device
    ids, fold = (part.to(place) for part in _split(corpus.train, config, model.context))
    if config.random_windows and len(corpus.validation) <= model.context:
        raise ConfigError(
            f"training.random_windows={config.random_windows}: the validation split has "
            f"{len(corpus.validation):,} characters, more than model.context={model.context} are "
            "needed; set it to 0, or use a longer text"
        )
    validation = corpus.validation.to(place)
    objective = MultiTokenLoss(model, config.ahead)
    optimizers = Optimizers(model, config, objective.heads)
    average = copy.deepcopy(model) if config.averaging else None
    judged = model if average is None else average
    parts = {"model.": model, "ahead.": objective.heads}
    if average is not None:
        parts["average."] = average
    state = _restore(folder, parts, optimizers)
    records = _records_until(state.step, folder)
    for record in records:
        on_record(record)
    losses = [torch.tensor(loss, device=place) for loss in state.losses]
    with (
        progress.task("training", config.steps) as task,
        torch.random.fork_rng(device.rng_devices()),
    ):
        steps = train_steps(
            objective,
            optimizers,
            average,
            ids,
            config,
            dtype=device.precision(config.precision, place),
            vocabulary_size=len(corpus.vocabulary),
            seed=seed,
            first=state.step,
        )
        task.update(state.step)
        clock, since = time.perf_counter(), state.step
        for loss in steps:
            losses.append(loss)
            state.step += 1
            last = state.step == config.steps
            evaluates = last or state.step % config.evaluate_every == 0
            if evaluates or state.step % config.log_every == 0:
                train_loss = _mean(losses, config, state.step)
                seconds = time.perf_counter() - clock
                read = (state.step - since) * config.batch_size * model.context
                record = TrainingRecord(
                    step=state.step,
                    train_loss=train_loss,
                    val_loss=evaluate(judged, validation, model.context) if evaluates else None,
                    learning_rate=config.learning_rate * schedule(config, state.step - 1),
                    characters_per_second=read / seconds,
                    fold_loss=(
                        evaluate(judged, fold, model.context) if evaluates and len(fold) else None
                    ),
                )
                records.append(record)
                on_record(record)
                task.update(state.step, _note(record))
                _keep_best(record, judged, state, folder)
                losses, clock, since = [], time.perf_counter(), state.step
            if last or state.step % config.checkpoint_every == 0:
                state.losses = [loss.item() for loss in losses]
                results.write_training(folder / LOG, records)
                checkpoint.save(folder / LAST, _everything(parts, optimizers), asdict(state))
    last_loss = records[-1].val_loss
    assert last_loss is not None
    at_random = dict.fromkeys(("best", "last"))
    if config.random_windows:
        at_random = {
            which: _at_random(model, folder, which, validation, config, seed) for which in at_random
        }
    load_weights(model, folder, "last")
    return TrainingResult(
        last_loss=last_loss,
        best_loss=state.best_loss,
        best_step=state.best_step,
        fold_loss=state.fold_loss,
        fold_step=state.fold_step,
        last_random=at_random["last"],
        best_random=at_random["best"],
    )


def load_weights(model: LanguageModel, folder: Path, which: str) -> None:
    """Put the `last`, `best` or `fold` weights of a training into `model`.

    Raises ConfigError for `fold` where nothing was held back.
    """
    if which == "last":
        tensors = checkpoint.load(folder / LAST)[0]
        model.load_state_dict(_under("average.", tensors) or _under("model.", tensors))
        return
    path = folder / {"best": BEST, "fold": FOLD}[which]
    if not path.exists():
        raise ConfigError(f"decoding.checkpoint={which}: needs a training.fold above 0")
    model.load_state_dict(checkpoint.load(path)[0])


def _split(ids: Tensor, config: TrainingConfig, context: int) -> tuple[Tensor, Tensor]:
    """The ids [N] to train on, and those at their end that are held back."""
    held = round(config.fold * len(ids))
    kept = len(ids) - held
    if kept < context + config.ahead:
        raise ConfigError(
            f"training.fold={config.fold}: leaves {kept:,} characters to train on, at least "
            f"{context + config.ahead:,} are needed; lower it, or use a longer text"
        )
    if config.fold and held < 2:
        raise ConfigError(
            f"training.fold={config.fold}: holds back {held} characters, at least 2 are needed; "
            "raise it, or use a longer text"
        )
    return ids[:kept], ids[kept:]


def _mean(losses: list[Tensor], config: TrainingConfig, step: int) -> float:
    """The mean loss since the last record: here, and at a checkpoint, the device is waited for."""
    mean = torch.stack(losses).mean().item()
    if not math.isfinite(mean):
        raise ConfigError(
            f"training.learning_rate={config.learning_rate}: the loss is {mean} at step {step}: "
            "lower the rates or the decay"
        )
    return mean


def _keep_best(record: TrainingRecord, judged: nn.Module, state: _State, folder: Path) -> None:
    """Save the weights where they are the best so far, on either of the held-out texts."""
    if record.val_loss is not None and record.val_loss < state.best_loss:
        state.best_loss, state.best_step = record.val_loss, record.step
        checkpoint.save(folder / BEST, judged.state_dict(), asdict(state))
    if record.fold_loss is not None and record.fold_loss < state.least_on_fold:
        state.least_on_fold = record.fold_loss
        state.fold_loss, state.fold_step = record.val_loss, record.step
        checkpoint.save(folder / FOLD, judged.state_dict(), asdict(state))


def _at_random(
    model: LanguageModel,
    folder: Path,
    which: str,
    validation: Tensor,
    config: TrainingConfig,
    seed: int,
) -> float:
    """The loss of random windows, drawn under the key of a step that is never taken."""
    load_weights(model, folder, which)
    generator = np.random.default_rng((seed, config.steps))
    return evaluate_random(model, validation, model.context, config.random_windows, generator)


def _everything(parts: Mapping[str, nn.Module], optimizers: Optimizers) -> dict[str, Tensor]:
    weights = {
        prefix + name: tensor
        for prefix, part in parts.items()
        for name, tensor in part.state_dict().items()
    }
    return weights | {f"optimizer.{name}": tensor for name, tensor in optimizers.state().items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _restore(folder: Path, parts: Mapping[str, nn.Module], optimizers: Optimizers) -> _State:
    if not (folder / LAST).exists():
        return _State()
    tensors, facts = checkpoint.load(folder / LAST)
    for prefix, part in parts.items():
        part.load_state_dict(_under(prefix, tensors))
    optimizers.load_state(_under("optimizer.", tensors))
    return _State(**facts)


def _records_until(step: int, folder: Path) -> list[TrainingRecord]:
    if step == 0:
        return []
    return [record for record in results.read_training(folder / LOG) if record.step <= step]


def _note(record: TrainingRecord) -> str:
    note = f"loss {record.train_loss:.3f}  {record.characters_per_second:,.0f} characters/s"
    return note if record.val_loss is None else f"{note}  validation {record.val_loss:.4f}"
