"""Recipes trained in turn on one machine: loss against seconds of training and characters seen."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nextchar import corpus, device, experiment, training
from nextchar.config import Config
from nextchar.results import TrainingRecord


@dataclass(frozen=True)
class Point:
    """A validation loss, and what it took; seconds are those of the steps, without evaluations."""

    seconds: float
    characters: int
    loss: float


@dataclass(frozen=True)
class Curve:
    """One training: its points in order."""

    recipe: str
    points: Sequence[Point]

    def seconds_to(self, loss: float) -> float | None:
        """Seconds until the first evaluation at or below `loss`, or None."""
        return next((point.seconds for point in self.points if point.loss <= loss), None)

    def loss_at(self, seconds: float) -> float | None:
        """The loss of the last evaluation within `seconds`, or None."""
        within = [point.loss for point in self.points if point.seconds <= seconds]
        return within[-1] if within else None


def run(asked: Config, recipe: str) -> Curve:
    """Train as the config says, from the beginning, leaving nothing behind."""
    device.prepare(asked.threads)
    text = corpus.load(asked.corpus)
    model = experiment.build_model(asked.model, len(text.vocabulary), asked.seed)
    model.to(device.choose(asked.device))
    records: list[TrainingRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        training.train(
            model,
            text,
            asked.training,
            seed=asked.seed,
            folder=Path(folder),
            on_record=records.append,
        )
    return Curve(recipe, _points(records, asked.training.batch_size * asked.model.context))


def _points(records: Sequence[TrainingRecord], characters_a_step: int) -> list[Point]:
    points, seconds, before = [], 0.0, 0
    for record in records:
        seconds += (record.step - before) * characters_a_step / record.characters_per_second
        before = record.step
        if record.val_loss is not None:
            points.append(Point(seconds, record.step * characters_a_step, record.val_loss))
    return points


def ratios(first: Sequence[Curve], second: Sequence[Curve], loss: float) -> list[float]:
    """Round by round, how many times sooner `second` reached `loss` than `first`."""
    pairs = [
        (one.seconds_to(loss), other.seconds_to(loss))
        for one, other in zip(first, second, strict=True)
    ]
    return [one / other for one, other in pairs if one is not None and other is not None]


def spread(values: Sequence[float]) -> str:
    """Median, least and greatest."""
    if not values:
        return "not reached"
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
