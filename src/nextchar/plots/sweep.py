"""A sweep of one or two parameters: curves, or heat maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from nextchar.plots.palette import look
from nextchar.plots.registry import figure
from nextchar.plots.style import (
    BAND,
    FAINT,
    INK,
    PAPER,
    SOFT,
    THIN,
    axis_label,
    figure_of,
    is_narrow,
    panels,
    reach,
    widen,
)
from nextchar.results import HUMAN
from nextchar.results import sweep_aggregate as averages
from nextchar.results.labels import split_last
from nextchar.results.sweep import SEED, Sweep
from nextchar.results.sweep_aggregate import VALIDATION, Setting

PANELS = 9
"""Metrics that are drawn at most: the first ones."""
HEAT = LinearSegmentedColormap.from_list("heat", ["#f3ecdf", "#e0a458", "#a23e48", "#33202a"])
LINE = "#2f5d8a"


def title(sweep: Sweep, metric: str) -> str:
    """The metric in words, with its unit."""
    info = sweep.info(metric)
    return f"{info.long}, {info.unit}" if info.unit not in info.long else info.long


def varies(sweep: Sweep) -> int:
    """How many parameters vary beside the seed; 0 where nothing is finished, or for a search."""
    drawable = averages.settings(sweep) and averages.metrics(sweep) and not sweep.plan.objectives
    return len(averages.parameters(sweep)) if drawable else 0


@figure(
    "curves",
    "Every metric against the parameter that varies. The dark line is human text, the band its "
    "interval: closest to it is best, not lowest.",
    lambda sweep: f"Curves of the metrics against {averages.parameters(sweep)[0]}.",
    of=Sweep,
)
def draw_curves(sweep: Sweep) -> Figure | None:
    if varies(sweep) != 1:
        return None
    settings, samplers = averages.settings(sweep), averages.samplers(sweep)
    (name,) = averages.parameters(sweep)
    metrics = averages.metrics(sweep)[:PANELS]
    axes = panels(len(metrics), 3.3, 2.5)
    for metric, ax in zip(metrics, axes, strict=True):
        parameter_curve(settings, metric, [""] if metric == VALIDATION else samplers, ax)
        ax.set_title(title(sweep, metric), fontsize=9.5, pad=6)
        ax.set_xlabel(_family(settings) or name)
        _keep_within(ax, *sweep.info(metric).bounds)
    figure = figure_of(axes[0])
    keys = [Line2D([], [], **look(label).curve, label=label) for label in samplers if label]
    if any(row.value(HUMAN, metric) for row in sweep.rows for metric in metrics):
        keys.append(Line2D([], [], color=INK, label="human text"))
    if keys:
        figure.legend(
            handles=keys, loc="outside upper left", ncols=1 if is_narrow() else 4, fontsize=8
        )
    figure.supxlabel(axis_label(_which_intervals(settings, name)), fontsize=8, color=SOFT)
    return figure


def _keep_within(ax: Axes, least: float | None, most: float | None) -> None:
    """Cut the axis off just beyond the metric's bounds: Student's intervals don't know them."""
    low, high = widen(*ax.get_ylim())
    room = 0.05 * (high - low)
    ax.set_ylim(
        low if least is None else max(low, least - room),
        high if most is None else min(high, most + room),
    )


def _family(settings: Sequence[Setting]) -> str | None:
    """The parameter that samplers of one family differ in, as the name of an axis."""
    texts = [setting.values[0] for setting in settings]
    split = split_last(texts[0])
    return split[0] if split and averages.numbers(texts) else None


def _which_intervals(settings: Sequence[Setting], name: str) -> str:
    """What the bars are: intervals over texts and over seeds answer different questions."""
    seeds = sorted({len(setting.rows) for setting in settings})
    if seeds == [1] and all(row.pooled for setting in settings for row in setting.rows):
        return "several seeds each, pooled; bars: 95% intervals over seeds and prompts"
    if name == SEED or seeds == [1]:
        return "one seed each; bars: 95% intervals over its texts"
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return f"means of {count} seeds; bars: 95% intervals over the seeds (Student's t)"


def parameter_curve(
    settings: Sequence[Setting], metric: str, samplers: Sequence[str], ax: Axes
) -> Axes:
    """Draw a metric against the only parameter, a line per sampler, with intervals.

    Human text under the same models is a band. Settings that are numbers stand to scale, a
    logarithmic one where they span a factor of 20.
    """
    texts = [setting.values[0] for setting in settings]
    numbers = averages.numbers(texts)
    places = numbers or list(range(len(texts)))
    for sampler in samplers:
        x, low, y, high = _columns(settings, places, metric, sampler)
        line = look(sampler).curve if sampler else {"color": LINE, "marker": "o"}
        thin: dict[str, Any] = {"linewidth": 1.4 if numbers else 0, "elinewidth": 1.2}
        ax.errorbar(x, y, reach(low, y, high), **line, **thin, markersize=4)
    if metric != VALIDATION:
        x, low, y, high = _columns(settings, places, metric, HUMAN)
        if len(x) == 1:  # a single place has no width: the band is as wide as the axes
            ax.axhspan(low[0], high[0], **BAND)
            ax.axhline(y[0], **THIN)
        elif len(x):
            ax.fill_between(x, low, high, **BAND)
            ax.plot(x, y, **THIN)
    if numbers is None:
        ax.set_xticks(range(len(texts)), texts, rotation=30, ha="right")
        ax.set_xlim(-0.5, len(texts) - 0.5)
    else:
        if min(places) > 0 and max(places) / min(places) >= 20:
            ax.set_xscale("log")
            ax.xaxis.set_minor_locator(NullLocator())
        if len(places) <= 6:  # there is room for the values as they were written
            ax.set_xticks(places, [text.rpartition("=")[2] for text in texts])
    ax.yaxis.set_major_locator(MaxNLocator(5))
    return ax


def _columns(
    settings: Sequence[Setting], places: Sequence[float], metric: str, sampler: str
) -> NDArray[np.float64]:
    """Places on the axis in their order, and low end, mean and high end there: [4, N]."""
    means = [averages.average(setting.rows, metric, sampler) for setting in settings]
    found = zip(places, means, strict=True)
    points = [(x, mean.low, mean.value, mean.high) for x, mean in found if mean]
    return np.array(sorted(points, key=itemgetter(0))).reshape(-1, 4).T


@figure(
    "heat_maps",
    "Every metric over the two parameters that vary.",
    lambda sweep: f"Heat maps of the metrics over {' and '.join(averages.parameters(sweep))}.",
    of=Sweep,
)
def draw_heat_maps(sweep: Sweep) -> Figure | None:
    if varies(sweep) != 2:
        return None
    settings = averages.settings(sweep)
    sampler = next(iter(averages.samplers(sweep)), "")
    down, across = averages.parameters(sweep)
    metrics = averages.metrics(sweep)[:PANELS]
    axes = panels(len(metrics), 3.6, 2.8)
    for metric, ax in zip(metrics, axes, strict=True):
        heat_map(settings, metric, "" if metric == VALIDATION else sampler, ax)
        ax.set_title(title(sweep, metric), fontsize=9.5, pad=6)
        ax.set(xlabel=across, ylabel=down)
    figure = figure_of(axes[0])
    note = "means over the seeds where there are several"
    words = f"{note}; sampler: {sampler}" if sampler else note
    figure.supxlabel(axis_label(words), fontsize=8, color=SOFT)
    return figure


def heat_map(settings: Sequence[Setting], metric: str, sampler: str, ax: Axes) -> Axes:
    """Draw a metric over two parameters, the first downwards, with its values.

    A cell is empty where no job has finished.
    """
    rows = _sorted([setting.values[0] for setting in settings])
    columns = _sorted([setting.values[1] for setting in settings])
    grid = np.full((len(rows), len(columns)), np.nan)
    for setting in settings:
        if mean := averages.average(setting.rows, metric, sampler):
            grid[rows.index(setting.values[0]), columns.index(setting.values[1])] = mean.value
    ax.set_facecolor(FAINT)
    image = ax.imshow(np.ma.masked_invalid(grid), cmap=HEAT, aspect="auto")
    for (i, j), value in np.ndenumerate(grid):
        if math.isfinite(value):
            light = float(np.mean(image.cmap(image.norm(value))[:3])) > 0.6
            ink, middle = INK if light else PAPER, {"ha": "center", "va": "center"}
            ax.text(j, i, f"{round(value, 12) + 0.0:.3g}", middle, color=ink, fontsize=7)
    ax.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    ax.set_yticks(range(len(rows)), rows)
    ax.grid(False)
    return ax


def _sorted(values: Sequence[str]) -> list[str]:
    """Different values, by size where they are numbers, else in the order given."""
    different = list(dict.fromkeys(values))
    numbers = averages.numbers(different)
    if numbers is None:
        return different
    return [value for _, value in sorted(zip(numbers, different, strict=True))]
