"""Loss against seconds of training: one curve per recipe, with a band over the rounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from nextchar.plots.labels import Tag, place_labels
from nextchar.plots.style import INK, heading, new_figure, save_figure, style
from studies.benchmarks.race import RacePoint

COLORS = (INK, "#c4574b", "#2f8f83", "#c98a2b", "#6b5aa8", "#3f7fb5")
DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)))
"""With more recipes than colours, the colours repeat with other dashes."""


def draw_race(race: Sequence[RacePoint], folder: Path, name: str) -> Path:
    """Draw the race to `<name>.png` and `.svg`, and return the PNG's path."""
    with style():
        figure = new_figure(8.5, 5.0)
        ax = figure.add_subplot()
        tags = loss_against_seconds(race, ax)
        lines = [[(x, y) for x, y in np.asarray(each.get_xydata()).tolist()] for each in ax.lines]
        place_labels(ax, tags, lines)
    return save_figure(figure, folder, name)


def loss_against_seconds(race: Sequence[RacePoint], ax: Axes) -> list[Tag]:
    """Draw each recipe's median over the rounds, and the range as a band; return the labels."""
    tags = []
    for index, recipe in enumerate(dict.fromkeys(point.recipe for point in race)):
        color = COLORS[index % len(COLORS)]
        seconds, losses = rounds_of([point for point in race if point.recipe == recipe])
        middle = np.median(losses, axis=0)
        ax.fill_between(
            seconds, losses.min(axis=0), losses.max(axis=0), color=color, alpha=0.18, linewidth=0
        )
        dash = DASHES[index // len(COLORS) % len(DASHES)]
        ax.plot(seconds, middle, color=color, linewidth=1.6, linestyle=dash)
        last = (float(seconds[-1]), float(middle[-1]))
        tags.append(Tag(f"{recipe} {last[1]:.3f}", *last, color=color, bold=True))
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(x=0.12)
    ax.set_xlabel("seconds of training steps")
    ax.set_ylabel("validation loss, nats per character")
    count = len({point.round for point in race})
    subtitle = "one round" if count == 1 else f"median and range of {count} alternating rounds"
    heading(ax, "Loss against time", subtitle)
    return tags


def rounds_of(race: Sequence[RacePoint]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The median seconds [T] and the losses [rounds, T] of the evaluations of one recipe.

    All rounds are evaluated after the same steps.
    """
    points = [
        [(point.seconds, point.loss) for point in race if point.round == number]
        for number in dict.fromkeys(point.round for point in race)
    ]
    seconds, losses = np.moveaxis(np.array(points), -1, 0)
    return np.median(seconds, axis=0), losses
