"""Training loop with logging, checkpointing and bit-exact resume."""

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
from nextchar.runtime import checked, progress
from nextchar.runtime import device as devices
from nextchar.runtime.checked import DamagedError
from nextchar.training import checkpoint
from nextchar.training.evaluation import evaluate, evaluate_nanogpt
from nextchar.training.optimizer import Optimizers, schedule
from nextchar.training.step import train_steps

LAST, BEST = "last.safetensors", "best.safetensors"

RecordCallback = Callable[[TrainingRecord], None]
"""Sees each record of a training; what it raises ends the training."""


def ignore(record: TrainingRecord) -> None:
    """The callback that does nothing."""


@dataclass(frozen=True)
class TrainingResult:
    """The losses of a training, in nats per character on the validation split.

    Those without a prefix are of the last weights. Losses of windows are measured by
    `evaluation.nanogpt_protocol`, None where not asked for; all others by `evaluation.protocol`.
    """

    validation_loss: float
    best_validation_loss: float
    best_step: int
    validation_loss_windows: float | None
    best_validation_loss_windows: float | None


@dataclass
class _State:
    """What a checkpoint keeps beside weights and optimizers.

    `losses` are those of the steps since the last record.
    """

    step: int = 0
    best_validation_loss: float = math.inf
    best_step: int = 0
    losses: list[float] = field(default_factory=list)


def train(
    model: LanguageModel,
    corpus: Corpus,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path,
    on_record: RecordCallback,
) -> TrainingResult:
    """Train to `config.steps`, from the checkpoint in `folder` if there is one.

    `on_record` sees every record; after a resume, earlier records are replayed. Leaves the last
    weights in `model` (their average, where one is kept), and last.safetensors, best.safetensors
    and training.csv in `folder`. An interrupted and resumed training ends with the same bits as an
    uninterrupted one. Raises ConfigError for a text that is too short and for a loss that diverges,
    DamagedError for a checkpoint that is not what was written.
    """
    window = model.context + 1
    corpus.require(window, window if config.nanogpt_eval_windows else 2)
    device = next(model.parameters()).device
    ids, validation = corpus.train.to(device), corpus.validation.to(device)
    optimizers = Optimizers(model, config)
    average = copy.deepcopy(model) if config.averaging else None
    evaluated = model if average is None else average
    modules = {"model.": model} | ({} if average is None else {"average.": average})
    state, records = _restore(folder, modules, optimizers)
    for record in records:
        on_record(record)
    losses = [torch.tensor(loss, device=device) for loss in state.losses]
    with (
        progress.task("training", config.steps) as task,
        torch.random.fork_rng(devices.rng_devices()),
    ):
        steps = train_steps(
            model,
            optimizers,
            average,
            ids,
            config,
            dtype=devices.precision(config.precision, device),
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
                    val_loss=evaluate(evaluated, validation, model.context) if evaluates else None,
                    learning_rate=config.learning_rate * schedule(config, state.step - 1),
                    characters_per_second=read / seconds,
                )
                records.append(record)
                on_record(record)
                task.update(state.step, _note(record))
                if record.val_loss is not None and record.val_loss < state.best_validation_loss:
                    state.best_validation_loss, state.best_step = record.val_loss, record.step
                    checkpoint.save(folder / BEST, evaluated.state_dict(), asdict(state))
                losses, clock, since = [], time.perf_counter(), state.step
            if last or state.step % config.checkpoint_every == 0:
                state.losses = [loss.item() for loss in losses]
                results.write_training(folder / results.TRAINING, records)
                rows = [asdict(record) for record in records]
                checked.write_json(folder / results.HISTORY, {"records": rows})
                checkpoint.save(folder / LAST, _tensors(modules, optimizers), asdict(state))
    last_loss = records[-1].val_loss
    assert last_loss is not None
    of_windows: dict[str, float] = {}
    if config.nanogpt_eval_windows:
        for which in ("best", "last"):
            if which == "last" and state.best_step == config.steps:  # the same weights
                of_windows[which] = of_windows["best"]
                continue
            load_weights(model, folder, which)
            generator = np.random.default_rng((seed, config.steps))  # of a step never taken
            of_windows[which] = evaluate_nanogpt(
                model, validation, model.context, config.nanogpt_eval_windows, generator
            )
    load_weights(model, folder, "last")
    return TrainingResult(
        validation_loss=last_loss,
        best_validation_loss=state.best_validation_loss,
        best_step=state.best_step,
        validation_loss_windows=of_windows.get("last"),
        best_validation_loss_windows=of_windows.get("best"),
    )


def load_weights(model: LanguageModel, folder: Path, which: str) -> None:
    """Put the `last` or `best` weights of a training into `model`."""
    tensors = checkpoint.load(folder / {"last": LAST, "best": BEST}[which])[0]
    if which == "last":
        tensors = _under("average.", tensors) or _under("model.", tensors)
    model.load_state_dict(tensors)


def _mean(losses: list[Tensor], config: TrainingConfig, step: int) -> float:
    """The mean loss since the last record; it waits for the device, as only checkpoints do."""
    mean = torch.stack(losses).mean().item()
    if not math.isfinite(mean):
        raise ConfigError(
            f"training.learning_rate={config.learning_rate}: the loss is {mean} at step {step}: "
            "lower the rates or the decay"
        )
    return mean


def _tensors(modules: Mapping[str, nn.Module], optimizers: Optimizers) -> dict[str, Tensor]:
    weights = {
        prefix + name: tensor
        for prefix, module in modules.items()
        for name, tensor in module.state_dict().items()
    }
    return weights | {f"optimizer.{name}": tensor for name, tensor in optimizers.state().items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _restore(
    folder: Path, modules: Mapping[str, nn.Module], optimizers: Optimizers
) -> tuple[_State, list[TrainingRecord]]:
    """The state of the last checkpoint, if there is one, and the records until then."""
    if not (folder / LAST).exists():
        return _State(), []
    tensors, state, records = _stored(folder)
    for prefix, module in modules.items():
        module.load_state_dict(_under(prefix, tensors))
    optimizers.load_state(_under("optimizer.", tensors))
    return state, [record for record in records if record.step <= state.step]


def _stored(folder: Path) -> tuple[dict[str, Tensor], _State, list[TrainingRecord]]:
    """What the last checkpoint in `folder` holds, and all records."""
    tensors, facts = checkpoint.load(folder / LAST)
    state, history = _State(**facts), checked.read_json(folder / results.HISTORY)
    return tensors, state, [TrainingRecord(**row) for row in history["records"]]


def damage(folder: Path) -> DamagedError | None:
    """What is wrong with what an unfinished training in `folder` goes on from, or None."""
    try:
        if (folder / LAST).exists():
            _, state, _ = _stored(folder)
            if state.best_step:
                checkpoint.load(folder / BEST)
    except DamagedError as found:
        return found
    return None


def _note(record: TrainingRecord) -> str:
    note = f"loss {record.train_loss:.3f}  {record.characters_per_second:,.0f} characters/s"
    return note if record.val_loss is None else f"{note}  validation {record.val_loss:.4f}"
