"""Seconds per step of each size, measured apart from the trainings, on an idle machine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from nextchar.config import Config
from nextchar.data.corpus import Corpus
from nextchar.data.corpus import load as load_corpus
from nextchar.models.registry import build_model
from nextchar.runtime import progress
from nextchar.runtime.device import choose, configure_torch, describe, precision, rng_devices
from nextchar.training.optimizer import Optimizers
from nextchar.training.step import train_steps
from studies.scaling import grid
from studies.scaling.rows import StepTime

WARMUP = 3
"""Steps of each size that are not counted: the first ones create the optimizers' states."""


def measure(base: Config, widths: Sequence[int], steps: int) -> list[StepTime]:
    """The lower quartile over `steps` steps of each width.

    The sizes alternate, one step each, so that other load on the machine affects all alike.
    """
    configure_torch(base.threads)
    corpus = load_corpus(base.corpus)
    device = choose(base.device)
    sizes = [grid.resized(base, width, WARMUP + steps, 1.0) for width in widths]
    seconds: list[list[float]] = [[] for _ in widths]
    with torch.random.fork_rng(rng_devices()):
        losses = [_losses(config, corpus) for config in sizes]
        for number in range(WARMUP + steps):
            for own, each in zip(seconds, losses, strict=True):
                clock = time.perf_counter()
                next(each).item()
                if number >= WARMUP:
                    own.append(time.perf_counter() - clock)
    rows = []
    for config, own in zip(sizes, seconds, strict=True):
        model = build_model(config.model, len(corpus.vocabulary), config.seed)
        blocks = grid.parameters_of_blocks(model)
        shape = grid.transformer_config(config)
        cost = grid.shape_of(shape, len(corpus.vocabulary)).flop_per_character(blocks)
        rows.append(
            StepTime(
                width=shape.width,
                blocks=blocks,
                flop=grid.characters_per_step(config) * float(cost),
                seconds=float(np.quantile(own, 0.25)),
                steps=steps,
                threads=base.threads,
                processor=str(describe(device)["processor"]),
            )
        )
        progress.say(f"width {rows[-1].width}: {1000 * rows[-1].seconds:.1f} ms per step")
    return rows


def _losses(config: Config, corpus: Corpus) -> Iterator[Tensor]:
    """Trains one size; each `next` takes a step and returns its loss."""
    device = choose(config.device)
    model = build_model(config.model, len(corpus.vocabulary), config.seed).to(device)
    return train_steps(
        model,
        Optimizers(model, config.training),
        None,
        corpus.train.to(device),
        config.training,
        dtype=precision(config.training.precision, device),
        vocabulary_size=len(corpus.vocabulary),
        seed=config.seed,
        first=0,
    )
