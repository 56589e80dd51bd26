"""Loss against steps: what the model learned, when it was best, and the floor below it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from nextchar.plots.palette import look
from nextchar.plots.style import FAINT, INK, PAPER, heading
from nextchar.results import TrainingRecord


def loss_curves(
    training: Sequence[TrainingRecord], ax: Axes, *, entropy_rate: float | None = None
) -> Axes:
    """Draw train and validation loss in nats a character, with bits on the right axis.

    `entropy_rate` (bits a character) draws the floor that no model can go below. The best
    validation loss is marked. Values that are not finite (a diverged run) leave a gap.
    """
    train = [(row.step, row.train_loss) for row in training]
    validation = [(row.step, row.val_loss) for row in training if row.val_loss is not None]
    quiet, loud = look("top_p=0.5").color, look("temperature=1").color
    ax.plot(*_columns(train), color=quiet, linewidth=1.2, label="train", alpha=0.9)
    if validation:
        ax.plot(
            *_columns(validation),
            color=loud,
            linewidth=1.8,
            marker="o",
            markersize=3.5,
            markeredgecolor=PAPER,
            markeredgewidth=0.5,
            label="validation",
        )
    finite = [(loss, step) for step, loss in validation if math.isfinite(loss)]
    if finite:
        _mark_best(ax, *min(finite))
    _finish(ax, "", entropy_rate)
    return ax


def seed_curves(
    trainings: Mapping[int, Sequence[TrainingRecord]],
    ax: Axes,
    *,
    entropy_rate: float | None = None,
) -> Axes:
    """Draw the losses of several seeds, a thin line each, and the mean and SD of where they end."""
    quiet, loud = look("top_p=0.5").color, look("temperature=1").color
    ends = []
    for index, records in enumerate(trainings.values()):
        train = [(row.step, row.train_loss) for row in records]
        validation = [(row.step, row.val_loss) for row in records if row.val_loss is not None]
        names = ("train", "validation") if index == 0 else (None, None)
        ax.plot(*_columns(train), color=quiet, linewidth=0.8, alpha=0.7, label=names[0])
        ax.plot(*_columns(validation), color=loud, linewidth=1.2, alpha=0.9, label=names[1])
        ends += [(step, loss) for step, loss in validation[-1:] if math.isfinite(loss)]
    if len(ends) > 1:
        losses = [loss for _, loss in ends]
        mean, deviation = fmean(losses), stdev(losses)
        ax.errorbar(
            [ends[0][0]],
            [mean],
            yerr=[deviation],
            color=INK,
            marker="o",
            markersize=4,
            capsize=4,
            linestyle="none",
            zorder=5,
            label=f"mean ± SD {mean:.3f} ± {deviation:.3f}",
        )
    seeds = ", ".join(map(str, trainings))
    _finish(ax, f"a line a seed: {seeds}", entropy_rate)
    return ax


def _finish(ax: Axes, subtitle: str, entropy_rate: float | None) -> None:
    """Floor, axes, heading and legend."""
    if entropy_rate is not None:
        floor = entropy_rate * math.log(2)
        ax.axhline(
            floor,
            color=INK,
            linewidth=1.2,
            linestyle=(0, (4, 3)),
            label=f"entropy of the grammar, {floor:.3f}",
        )
    ax.set_xlabel("step")
    ax.set_ylabel("loss, nats a character")
    ax.margins(x=0.02, y=0.06)
    bits = ax.secondary_yaxis("right", functions=(_bits, _nats))
    bits.set_ylabel("bits a character")
    bits.spines["right"].set_visible(False)
    bits.tick_params(length=0)
    heading(ax, "Training", subtitle)
    ax.legend(loc="upper right")


def _bits(nats: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(nats, dtype=np.float64) / math.log(2)


def _nats(bits: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(bits, dtype=np.float64) * math.log(2)


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [x for x, _ in points], [y if math.isfinite(y) else math.nan for _, y in points]


def _mark_best(ax: Axes, loss: float, step: int) -> None:
    ax.axvline(step, color=FAINT, linewidth=1.0, zorder=0.6)
    ax.plot(
        [step],
        [loss],
        marker="o",
        markersize=9,
        markerfacecolor="none",
        markeredgecolor=INK,
        markeredgewidth=1.2,
        linestyle="none",
        zorder=5,
        label=f"best validation {loss:.3f} at step {step:,}",
    )
