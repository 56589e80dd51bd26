"""Training steps; nothing here waits for the device.

Shapes: N characters, B windows, W context, n characters predicted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from nextchar.config import TrainingConfig
from nextchar.models.base import LanguageModel
from nextchar.runtime import progress
from nextchar.training.batches import batches, with_noise
from nextchar.training.loss import MultiTokenLoss
from nextchar.training.optimizer import Optimizers

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""`MultiTokenLoss.forward`, compiled or not."""

TRIES = 3
"""Calls of a compiled step before training starts, which record its CUDA graphs."""


def train_steps(
    objective: MultiTokenLoss,
    optimizers: Optimizers,
    average: LanguageModel | None,
    ids: Tensor,
    config: TrainingConfig,
    *,
    dtype: torch.dtype,
    vocabulary_size: int,
    seed: int,
    first: int,
) -> Iterator[Tensor]:
    """Train on ids [N] from step `first` to the last; yields the loss of each step, a scalar.

    Compiles at once, and takes a step whenever the next loss is asked for. What a step draws
    depends on (seed, step) alone. Each step seeds torch's global generator, for dropout; the caller
    restores its state. `dtype` is that of the matrix products.
    """
    context, model = objective.model.context, objective.model
    noise = torch.Generator(ids.device)
    loss_of: Loss = objective
    if config.compile and first < config.steps:
        loss_of = _compiled(objective, ids, config, dtype)

    def take(step: int, windows: Tensor) -> Tensor:
        dropout_seed, noise_seed = _seeds(seed, step)
        torch.manual_seed(dropout_seed)
        inputs = windows[
            :, :context
        ].contiguous()  # the layout that noise has, and that is compiled
        if config.token_noise:
            noise.manual_seed(noise_seed)
            inputs = with_noise(inputs, config.token_noise, vocabulary_size, noise)
        loss = compute_gradients(loss_of, inputs, windows[:, 1:], dtype)
        if config.gradient_clip is not None:
            nn.utils.clip_grad_norm_(objective.parameters(), config.gradient_clip)
        optimizers.step(step)
        if average is not None:
            update_average(average, model, config.averaging, step)
        return loss

    drawn = batches(ids, config, context + config.predict_ahead, seed, first)
    return (take(step, windows) for step, windows in enumerate(drawn, start=first))


def compute_gradients(
    loss_of: Loss, inputs: Tensor, following: Tensor, dtype: torch.dtype
) -> Tensor:
    """Add the gradients for inputs [B, W] and following [B, W + n - 1] to the parameters.

    Returns the loss of the next character, as a copy: a CUDA graph overwrites its outputs.
    """
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        loss, next_loss = loss_of(inputs, following)
    loss.backward()
    return next_loss.detach().clone()


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """a <- a + (w - a) * max(1 - decay, 1 / (step + 1)), for every weight.

    The plain mean over the first 1 / (1 - decay) steps, then an exponential moving average.
    """
    share = max(1 - decay, 1 / (step + 1))
    for mean, weight in zip(average.parameters(), model.parameters(), strict=True):
        mean.lerp_(weight, share)


def _compiled(
    objective: MultiTokenLoss, ids: Tensor, config: TrainingConfig, dtype: torch.dtype
) -> Loss:
    """The objective compiled, on a GPU into CUDA graphs, and called a few times without a step.

    The model itself stays as it is: evaluation and generation use it uncompiled.
    """
    clock = time.perf_counter()
    on_gpu = ids.device.type == "cuda"
    compiled = torch.compile(objective, mode="reduce-overhead" if on_gpu else "default")

    def loss_of(inputs: Tensor, following: Tensor) -> tuple[Tensor, Tensor]:
        if on_gpu:
            torch.compiler.cudagraph_mark_step_begin()
        return compiled(inputs, following)

    context = objective.model.context
    tries = islice(batches(ids, config, context + config.predict_ahead, seed=0), TRIES)
    for windows in tries:
        compute_gradients(loss_of, windows[:, :context].contiguous(), windows[:, 1:], dtype)
        objective.zero_grad(set_to_none=True)
    progress.say(f"compiled the training step in {time.perf_counter() - clock:.0f} s")
    return loss_of


def _seeds(seed: int, step: int) -> tuple[int, int]:
    """Seeds of dropout and of token noise at a step."""
    dropout, noise = np.random.SeedSequence((seed, step)).generate_state(2)
    return int(dropout), int(noise)
