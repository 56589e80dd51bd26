"""Seconds a step of each size, measured apart from the trainings, on a machine left alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from nextchar.config import Config
from nextchar.data import corpus
from nextchar.data.corpus import Corpus
from nextchar.models.registry import build_model
from nextchar.runtime import device, progress
from nextchar.training.loss import MultiTokenLoss
from nextchar.training.optimizer import Optimizers
from nextchar.training.step import train_steps
from studies.scaling import grid
from studies.scaling.rows import StepTime

WARMUP = 3
"""Steps of each size that are not counted: the first ones make the optimizers' states."""


def measure(base: Config, widths: Sequence[int], steps: int) -> list[StepTime]:
    """The lower quartile of so many steps of each width.

    The sizes take turns, a step each, so that what else the machine does strikes them alike.
    """
    device.configure_torch(base.threads)
    text = corpus.load(base.corpus)
    place = device.choose(base.device)
    sizes = [grid.resized(base, width, WARMUP + steps, 1.0) for width in widths]
    seconds: list[list[float]] = [[] for _ in widths]
    with torch.random.fork_rng(device.rng_devices()):
        losses = [_losses(asked, text) for asked in sizes]
        for number in range(WARMUP + steps):
            for own, each in zip(seconds, losses, strict=True):
                clock = time.perf_counter()
                next(each).item()
                if number >= WARMUP:
                    own.append(time.perf_counter() - clock)
    rows = []
    for asked, own in zip(sizes, seconds, strict=True):
        model = build_model(asked.model, len(text.vocabulary), asked.seed)
        blocks = grid.parameters_of_blocks(model)
        cost = grid.shape_of(grid.shape_config(asked), len(text.vocabulary)).flop_a_character(
            blocks
        )
        rows.append(
            StepTime(
                width=grid.shape_config(asked).width,
                blocks=blocks,
                flop=grid.characters_a_step(asked) * float(cost),
                seconds=float(np.quantile(own, 0.25)),
                steps=steps,
                threads=base.threads,
                processor=str(device.describe(place)["processor"]),
            )
        )
        progress.say(f"width {rows[-1].width}: {1000 * rows[-1].seconds:.1f} ms a step")
    return rows


def _losses(asked: Config, text: Corpus) -> Iterator[Tensor]:
    """The steps of a size, one for each loss that is asked for."""
    place = device.choose(asked.device)
    model = build_model(asked.model, len(text.vocabulary), asked.seed).to(place)
    objective = MultiTokenLoss(model, asked.training.predict_ahead)
    return train_steps(
        objective,
        Optimizers(model, asked.training, objective.heads),
        None,
        text.train.to(place),
        asked.training,
        dtype=device.precision(asked.training.precision, place),
        vocabulary_size=len(text.vocabulary),
        seed=asked.seed,
        first=0,
    )
