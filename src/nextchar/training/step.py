"""Training steps; nothing here waits for the device.

Shapes: N characters, B windows, W context.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextchar.config import TrainingConfig
from nextchar.models.base import LanguageModel
from nextchar.runtime import progress
from nextchar.training.batches import batches, with_noise
from nextchar.training.optimizer import Optimizers

Loss = Callable[[Tensor, Tensor], Tensor]
"""`mean_loss` of a model, compiled or not."""

TRIES = 3
"""Calls of a compiled step before training starts, which record its CUDA graphs."""


def train_steps(
    model: LanguageModel,
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
    noise = torch.Generator(ids.device)
    loss_of: Loss = partial(mean_loss, model)
    if config.compile and first < config.steps:
        loss_of = _compiled(model, ids, config, dtype)

    def take(step: int, windows: Tensor) -> Tensor:
        dropout_seed, noise_seed = np.random.SeedSequence((seed, step)).generate_state(2).tolist()
        torch.manual_seed(dropout_seed)
        inputs = windows[:, :-1].contiguous()  # the layout that noise has, and that is compiled
        if config.token_noise:
            noise.manual_seed(noise_seed)
            inputs = with_noise(inputs, config.token_noise, vocabulary_size, noise)
        loss = compute_gradients(loss_of, inputs, windows[:, 1:], dtype)
        if config.gradient_clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
        optimizers.step(step)
        if average is not None:
            update_average(average, model, config.averaging, step)
        return loss

    drawn = batches(ids, config, model.context + 1, seed, first)
    return (take(step, windows) for step, windows in enumerate(drawn, start=first))


def mean_loss(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """-ln p(target) in nats, averaged over all positions of inputs and targets [B, W]: a scalar."""
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


def compute_gradients(loss_of: Loss, inputs: Tensor, targets: Tensor, dtype: torch.dtype) -> Tensor:
    """Add the gradients for inputs and targets [B, W] to the parameters.

    Returns the loss as a copy: a CUDA graph overwrites its outputs.
    """
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        loss = loss_of(inputs, targets)
    loss.backward()
    return loss.detach().clone()


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """a <- a + (w - a) * max(1 - decay, 1 / (step + 1)), for every weight.

    The plain mean over the first 1 / (1 - decay) steps, then an exponential moving average.
    """
    share = max(1 - decay, 1 / (step + 1))
    for mean, weight in zip(average.parameters(), model.parameters(), strict=True):
        mean.lerp_(weight, share)


def _compiled(
    model: LanguageModel, ids: Tensor, config: TrainingConfig, dtype: torch.dtype
) -> Loss:
    """The loss compiled, on a GPU into CUDA graphs, and called a few times without a step.

    The model itself stays as it is: evaluation and generation use it uncompiled.
    """
    clock = time.perf_counter()
    on_gpu = ids.device.type == "cuda"
    torch.use_deterministic_algorithms(True)  # tells the compiler, too
    compiled = torch.compile(mean_loss, mode="reduce-overhead" if on_gpu else "default")

    def loss_of(inputs: Tensor, targets: Tensor) -> Tensor:
        if on_gpu:
            torch.compiler.cudagraph_mark_step_begin()
        return compiled(model, inputs, targets)

    with warnings.catch_warnings():
        # float32 products stay exact: a GPU's TF32 has 10 bits of mantissa.
        warnings.filterwarnings("ignore", message="TensorFloat32 tensor cores")
        for windows in islice(batches(ids, config, model.context + 1, seed=0), TRIES):
            compute_gradients(loss_of, windows[:, :-1].contiguous(), windows[:, 1:], dtype)
            model.zero_grad(set_to_none=True)
    progress.say(f"compiled the training step in {time.perf_counter() - clock:.0f} s")
    return loss_of
