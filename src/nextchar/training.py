"""The weights are found: steps, exact validation, checkpoints, and going on after a stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextchar import checkpoint, device, progress, results
from nextchar.config import ConfigError, TrainingConfig
from nextchar.corpus import Corpus
from nextchar.model import LanguageModel
from nextchar.optimizer import Optimizers, schedule
from nextchar.results import TrainingRecord

EVALUATION_ROWS = 64
"""Windows that are evaluated at once."""

LAST, BEST, LOG = "last.safetensors", "best.safetensors", results.TRAINING


def protocol(context: int) -> str:
    """How a validation loss is measured, in words that stand next to it."""
    return (
        f"mean over every character of the validation split but its first, in nats; windows of "
        f"{context}, each character predicted from those before it in its window; float32"
    )


def precision(model: nn.Module, config: TrainingConfig) -> str:
    """What `auto` came to on the model's device: bfloat16 or float32."""
    dtype = device.precision(config.precision, next(model.parameters()).device)
    return str(dtype).removeprefix("torch.")


@dataclass(frozen=True)
class Trained:
    """What a training came to; losses in nats a character by `protocol`."""

    last_loss: float
    best_loss: float
    best_step: int


def batch(ids: Tensor, config: TrainingConfig, context: int, seed: int, step: int) -> Tensor:
    """The windows [B, W + 1] of one step: random places in ids [N], by (seed, step) alone."""
    generator = np.random.default_rng((seed, step))
    starts = generator.integers(len(ids) - context, size=config.batch_size)
    places = torch.from_numpy(starts)[:, None] + torch.arange(context + 1)
    return ids[places.to(ids.device)]


def train_step(
    model: nn.Module, windows: Tensor, optimizers: Optimizers, config: TrainingConfig, step: int
) -> Tensor:
    """One step on windows [B, W + 1]; the mean loss in nats a character, a scalar tensor."""
    low = device.precision(config.precision, windows.device) == torch.bfloat16
    with torch.autocast(windows.device.type, torch.bfloat16, enabled=low):
        logits = model(windows[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
    loss.backward()
    if config.gradient_clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
    optimizers.step(step)
    return loss.detach()


@torch.no_grad()
def evaluate(model: nn.Module, ids: Tensor, context: int) -> float:
    """Mean loss in nats a character over ids [N], by `protocol(context)`: exact, deterministic."""
    was_training = model.training
    model.eval()
    count = len(ids) - 1
    whole = count // context * context
    total = 0.0
    inputs, targets = ids[:whole].view(-1, context), ids[1 : whole + 1].view(-1, context)
    pieces = list(zip(inputs.split(EVALUATION_ROWS), targets.split(EVALUATION_ROWS), strict=True))
    if whole == 0:
        pieces.clear()
    if whole < count:
        pieces.append((ids[None, whole:-1], ids[None, whole + 1 :]))
    for x, y in pieces:
        losses = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="none")
        total += losses.double().sum().item()
    model.train(was_training)
    return total / count


@dataclass
class _State:
    """Where a training stands: all that a checkpoint keeps beside weights and optimizers.

    `losses` are those of the steps since the last record.
    """

    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    losses: list[float] = field(default_factory=list)


def train(
    model: LanguageModel,
    corpus: Corpus,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path,
    on_record: Callable[[TrainingRecord], None],
) -> Trained:
    """Train to `config.steps`, going on from the checkpoint in `folder` if there is one.

    Every record goes to `on_record`, those from before a stop again too. Leaves the last weights in
    `model`, and last.safetensors, best.safetensors and training.csv in `folder`. A training that
    was stopped and went on ends with the same bits as one that never stopped.
    """
    place = next(model.parameters()).device
    ids, validation = corpus.train.to(place), corpus.validation.to(place)
    optimizers = Optimizers(model, config)
    state = _restore(folder, model, optimizers)
    records = _records_until(state.step, folder)
    for record in records:
        on_record(record)
    losses = [torch.tensor(loss, device=place) for loss in state.losses]
    clock, since = time.perf_counter(), state.step
    with progress.task("training", config.steps) as task, torch.random.fork_rng():
        task.update(state.step)
        while state.step < config.steps:
            torch.manual_seed(_dropout_seed(seed, state.step))
            windows = batch(ids, config, model.context, seed, state.step)
            losses.append(train_step(model, windows, optimizers, config, state.step))
            state.step += 1
            last = state.step == config.steps
            evaluates = last or state.step % config.evaluate_every == 0
            if evaluates or state.step % config.log_every == 0:
                train_loss = torch.stack(losses).mean().item()
                if not math.isfinite(train_loss):
                    raise ConfigError(
                        f"training.learning_rate={config.learning_rate}: the loss is {train_loss} "
                        f"at step {state.step}: lower the rates or the decay"
                    )
                seconds = time.perf_counter() - clock
                record = TrainingRecord(
                    step=state.step,
                    train_loss=train_loss,
                    val_loss=evaluate(model, validation, model.context) if evaluates else None,
                    learning_rate=config.learning_rate * schedule(config, state.step - 1),
                    characters_per_second=(state.step - since) * windows[:, 1:].numel() / seconds,
                )
                records.append(record)
                on_record(record)
                task.update(state.step, _note(record))
                if record.val_loss is not None and record.val_loss < state.best_loss:
                    state.best_loss, state.best_step = record.val_loss, state.step
                    checkpoint.save(folder / BEST, model.state_dict(), asdict(state))
                losses, clock, since = [], time.perf_counter(), state.step
            if last or state.step % config.checkpoint_every == 0:
                state.losses = [loss.item() for loss in losses]
                results.write_training(folder / LOG, records)
                checkpoint.save(folder / LAST, _everything(model, optimizers), asdict(state))
    last_loss = records[-1].val_loss
    assert last_loss is not None
    return Trained(last_loss, state.best_loss, state.best_step)


def load_weights(model: LanguageModel, folder: Path, which: str) -> None:
    """Put the `last` or `best` weights of a training into `model`."""
    if which == "best":
        model.load_state_dict(checkpoint.load(folder / BEST)[0])
    else:
        model.load_state_dict(_under("model.", checkpoint.load(folder / LAST)[0]))


def _everything(model: LanguageModel, optimizers: Optimizers) -> dict[str, Tensor]:
    weights = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    return weights | {f"optimizer.{name}": tensor for name, tensor in optimizers.state().items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _restore(folder: Path, model: LanguageModel, optimizers: Optimizers) -> _State:
    if not (folder / LAST).exists():
        return _State()
    tensors, facts = checkpoint.load(folder / LAST)
    model.load_state_dict(_under("model.", tensors))
    optimizers.load_state(_under("optimizer.", tensors))
    return _State(**facts)


def _records_until(step: int, folder: Path) -> list[TrainingRecord]:
    if step == 0:
        return []
    return [record for record in results.read_training(folder / LOG) if record.step <= step]


def _dropout_seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, step)).generate_state(1)[0])


def _note(record: TrainingRecord) -> str:
    note = f"loss {record.train_loss:.3f}  {record.characters_per_second:,.0f} characters/s"
    return note if record.val_loss is None else f"{note}  validation {record.val_loss:.4f}"
