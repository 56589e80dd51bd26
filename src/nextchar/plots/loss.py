"""Training and validation loss by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nextchar.plots.palette import look
from nextchar.plots.registry import figure
from nextchar.plots.style import DASHED, FAINT, INK, figure_of, heading, new_figure
from nextchar.results import Run, TrainingRecord


def _trainings(run: Run) -> Mapping[int, Sequence[TrainingRecord]]:
    """The records of each seed."""
    return run.trainings or ({run.config.get("seed", 0): run.training} if run.training else {})


def _caption(run: Run) -> str:
    several = ", one line per seed" if run.seeds else ""
    weights = run.manifest.get("model", {}).get("checkpoint", "last")
    return f"Loss during training{several}. All samplers use the {weights} weights."


def _alt(run: Run) -> str:
    """The best validation loss of each seed, in words."""
    best = {seed: _best(records) for seed, records in _trainings(run).items()}
    ends = [
        f"{f' of seed {seed}' if run.seeds else ''} {found[0]:.3f} at step {found[1]:,}"
        for seed, found in best.items()
        if found
    ]
    words = f"; best validation loss{';'.join(ends)}" if ends else ""
    return f"Training and validation loss by step{words}."


@figure("loss_curves", _caption, _alt, order=60)
def draw(run: Run) -> Figure | None:
    if not (trainings := _trainings(run)):
        return None
    rate = run.manifest.get("corpus", {}).get("entropy_rate")
    ax = new_figure(8.5, 4.2).add_subplot()
    return figure_of(loss_curves(trainings, ax, entropy_rate=rate))


def loss_curves(
    trainings: Mapping[int, Sequence[TrainingRecord]], ax: Axes, entropy_rate: float | None = None
) -> Axes:
    """Draw both losses of each seed in nats per character, with bits on the right axis.

    Of one seed the best validation loss is marked, of several the mean and SD of the last ones.
    `entropy_rate` (bits per character) draws the floor that no model can go below. Values that are
    not finite (a diverged run) leave a gap.
    """
    several = len(trainings) > 1
    thin: dict[str, Any] = {"linewidth": 0.8 if several else 1.2}
    bold: dict[str, Any] = {"linewidth": 1.2} if several else {"linewidth": 1.8, "marker": "o"}
    for index, records in enumerate(trainings.values()):
        train = [(row.step, row.train_loss) for row in records]
        for name, color, points, width in (
            ("train", look("top_p=0.5").color, train, thin),
            ("validation", look("temperature=1").color, _validation(records), bold),
        ):
            losses = [loss if math.isfinite(loss) else math.nan for _, loss in points]
            label = name if index == 0 and points else None
            steps = [step for step, _ in points]
            ax.plot(steps, losses, color=color, **width, markersize=3.5, label=label)
    if several:
        _mean_of_last(ax, list(trainings.values()))
    else:
        _mark_best(ax, *trainings.values())
    nats = math.log(2)  # one bit
    if entropy_rate is not None:
        floor = entropy_rate * nats
        ax.axhline(floor, **DASHED, label=f"entropy of the grammar, {floor:.3f}")
    ax.set(xlabel="step", ylabel="loss, nats per character")
    ax.margins(x=0.02, y=0.06)
    scales = (lambda loss: np.divide(loss, nats), lambda bits: np.multiply(bits, nats))
    bits = ax.secondary_yaxis("right", functions=scales)
    bits.set_ylabel("bits per character")
    bits.spines["right"].set_visible(False)
    bits.tick_params(length=0)
    seeds = ", ".join(map(str, trainings))
    heading(ax, "Training", f"one line per seed: {seeds}" if several else "")
    ax.legend(loc="upper right")
    return ax


def _validation(records: Sequence[TrainingRecord]) -> list[tuple[int, float]]:
    """The validation losses, each after its step."""
    return [(row.step, row.val_loss) for row in records if row.val_loss is not None]


def _best(records: Sequence[TrainingRecord]) -> tuple[float, int] | None:
    """The lowest validation loss and its step."""
    known = [(loss, step) for step, loss in _validation(records) if math.isfinite(loss)]
    return min(known, default=None)


def _mark_best(ax: Axes, records: Sequence[TrainingRecord]) -> None:
    best = _best(records)
    if best is None:
        return
    loss, step = best
    ax.axvline(step, color=FAINT, linewidth=1.0, zorder=0.6)
    label = f"best validation {loss:.3f} at step {step:,}"
    ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": INK, "markersize": 9}
    ax.plot(step, loss, "o", **ring, markeredgewidth=1.2, zorder=5, label=label)


def _mean_of_last(ax: Axes, trainings: Sequence[Sequence[TrainingRecord]]) -> None:
    validation = map(_validation, trainings)
    ends = [points[-1] for points in validation if points and math.isfinite(points[-1][1])]
    if len(ends) < 2:
        return
    losses = [loss for _, loss in ends]
    mean, deviation = fmean(losses), stdev(losses)
    label = f"mean ± SD {mean:.3f} ± {deviation:.3f}"
    ax.errorbar(ends[0][0], mean, deviation, fmt="o", color=INK, capsize=4, zorder=5, label=label)
