"""A sweep in pictures: curves where one parameter varies, heat maps where two do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from nextchar.metrics.catalog import title_of
from nextchar.plots.palette import look
from nextchar.plots.search import search_figures
from nextchar.plots.style import FAINT, INK, PAPER, SOFT, new_figure, save_figure, style
from nextchar.results import HUMAN
from nextchar.results import sweep_aggregate as averages
from nextchar.results.sweep import SEED, Sweep
from nextchar.results.sweep_aggregate import VALIDATION, Average, Setting

PANELS = 9
"""Metrics that are drawn at most: the first ones."""
HEAT = LinearSegmentedColormap.from_list("heat", ["#f3ecdf", "#e0a458", "#a23e48", "#33202a"])
LINE = "#2f5d8a"


def draw_sweep(sweep: Sweep, folder: Path) -> dict[str, Path]:
    """Draw into `folder` what the sweep's finished jobs allow; name to PNG, the SVG beside it.

    One parameter beside the seed: `curves`. Two: `heat_maps`. A search, or more than two:
    `parallel_coordinates`, and for a search its `history`, `pareto_front` and `importance`.
    """
    names = averages.parameters(sweep)
    figures: dict[str, Figure] = {}
    with style():
        if averages.settings(sweep) and averages.metrics(sweep):
            if sweep.plan.objectives or len(names) > 2:
                figures |= search_figures(sweep)
            elif len(names) == 2:
                figures["heat_maps"] = _heat_maps(sweep)
            elif names:
                figures["curves"] = _curves(sweep)
    return {name: save_figure(figure, folder, name) for name, figure in figures.items()}


def _panels(sweep: Sweep, wide: float, high: float) -> tuple[Figure, list[tuple[str, Axes]]]:
    metrics = averages.metrics(sweep)[:PANELS]
    across = min(3, len(metrics))
    down = math.ceil(len(metrics) / across)
    figure = new_figure(max(wide * across, 4.5), 0.5 + high * down)
    return figure, [
        (metric, figure.add_subplot(down, across, index + 1))
        for index, metric in enumerate(metrics)
    ]


def _curves(sweep: Sweep) -> Figure:
    figure, panels = _panels(sweep, 3.3, 2.5)
    settings, samplers = averages.settings(sweep), averages.samplers(sweep)
    name = averages.parameters(sweep)[0]
    for metric, ax in panels:
        parameter_curve(settings, metric, [""] if metric == VALIDATION else samplers, ax)
        ax.set_xlabel(_family(settings) or name)
    labels = [label for label in samplers if label]
    keys = [_key(look(label).color, look(label).marker) for label in labels]
    if any(row.value(HUMAN, metric) for row in sweep.rows for metric, _ in panels):
        keys, labels = [*keys, _key(INK, "")], [*labels, "human text"]
    if keys:
        figure.legend(keys, labels, loc="outside upper left", ncols=4, fontsize=8)
    figure.supxlabel(_intervals(settings, name), fontsize=8, color=SOFT)
    return figure


def _family(settings: Sequence[Setting]) -> str | None:
    """The parameter that samplers of one family differ in, as the name of an axis."""
    texts = [setting.values[0] for setting in settings]
    family = texts[0].rpartition("=")[0]
    return family if family and averages.numbers(texts) else None


def _key(color: str, marker: str) -> Line2D:
    return Line2D([], [], color=color, marker=marker, markersize=5)


def _intervals(settings: Sequence[Setting], name: str) -> str:
    """Which interval the bars are, since they answer different questions."""
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
    """Draw a metric against the only parameter, a line a sampler, with intervals.

    Human text under the same models is a band. Settings that are numbers stand to scale, a
    logarithmic one where they span a factor of 20.
    """
    texts = [setting.values[0] for setting in settings]
    places = averages.numbers(texts)
    for sampler in samplers:
        points: list[tuple[float, Average]] = []
        for index, setting in enumerate(settings):
            mean = averages.average(setting.rows, metric, sampler)
            if mean is not None:
                points.append((places[index] if places else index, mean))
        points.sort(key=lambda point: point[0])
        shape = look(sampler) if sampler else None
        color = shape.color if shape else LINE
        x, y = [place for place, _ in points], [mean.value for _, mean in points]
        reach = [[m.value - m.low for _, m in points], [m.high - m.value for _, m in points]]
        ax.errorbar(
            x,
            y,
            yerr=np.maximum(np.array(reach), 0) if points else None,
            color=color,
            marker=shape.marker if shape else "o",
            markersize=4,
            linewidth=1.4 if places else 0,
            elinewidth=1.2,
            capsize=0,
        )
    if metric != VALIDATION:
        _human(settings, metric, places or range(len(settings)), ax)
    if places is None:
        ax.set_xticks(range(len(texts)), texts, rotation=30, ha="right")
        ax.set_xlim(-0.5, len(texts) - 0.5)
    else:
        if min(places) > 0 and max(places) / min(places) >= 20:
            ax.set_xscale("log")
            ax.xaxis.set_minor_locator(NullLocator())
        _tick(ax, dict(zip(places, texts, strict=True)))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    return _named(ax, metric)


def _human(settings: Sequence[Setting], metric: str, places: Sequence[float], ax: Axes) -> None:
    """Human text under each setting's own models, as a line in its band."""
    means = [averages.average(setting.rows, metric, HUMAN) for setting in settings]
    points = [(x, mean) for x, mean in zip(places, means, strict=True) if mean is not None]
    points.sort(key=lambda point: point[0])
    if not points:
        return
    if len(points) == 1:  # a single place has no width: the band is as wide as the picture
        mean = points[0][1]
        ax.axhspan(mean.low, mean.high, color=INK, alpha=0.12, linewidth=0, zorder=0.6)
        ax.axhline(mean.value, color=INK, linewidth=1.2, zorder=0.7)
        return
    x = [place for place, _ in points]
    low, high = [mean.low for _, mean in points], [mean.high for _, mean in points]
    ax.fill_between(x, low, high, color=INK, alpha=0.12, linewidth=0, zorder=0.6)
    ax.plot(x, [mean.value for _, mean in points], color=INK, linewidth=1.2, zorder=0.7)


def _tick(ax: Axes, places: dict[float, str]) -> None:
    """Ticks at the values that were tried, as they were written, where there is room for them."""
    if len(places) <= 6:
        ax.set_xticks(list(places), [text.rpartition("=")[2] for text in places.values()])


def _named(ax: Axes, metric: str) -> Axes:
    long = "validation loss, nats a character" if metric == VALIDATION else title_of(metric).long
    ax.set_title(long, fontsize=9.5, pad=6)
    return ax


def _heat_maps(sweep: Sweep) -> Figure:
    figure, panels = _panels(sweep, 3.6, 2.8)
    settings = averages.settings(sweep)
    sampler = next(iter(averages.samplers(sweep)), "")
    down, across = averages.parameters(sweep)
    for metric, ax in panels:
        heat_map(settings, metric, sampler, ax)
        ax.set_xlabel(across)
        ax.set_ylabel(down)
    note = "means over the seeds where there are several"
    figure.supxlabel(f"{note}; sampler: {sampler}" if sampler else note, fontsize=8, color=SOFT)
    return figure


def heat_map(settings: Sequence[Setting], metric: str, sampler: str, ax: Axes) -> Axes:
    """Draw a metric over two parameters, the first downwards, with its values; a gap where no job
    has finished."""
    rows = _sorted([setting.values[0] for setting in settings])
    columns = _sorted([setting.values[1] for setting in settings])
    grid = np.full((len(rows), len(columns)), np.nan)
    for setting in settings:
        mean = averages.average(setting.rows, metric, "" if metric == VALIDATION else sampler)
        if mean is not None:
            place = rows.index(setting.values[0]), columns.index(setting.values[1])
            grid[place] = mean.value
    ax.set_facecolor(FAINT)
    image = ax.imshow(np.ma.masked_invalid(grid), cmap=HEAT, aspect="auto")
    for (i, j), value in np.ndenumerate(grid):
        if math.isfinite(value):
            light = float(np.mean(image.cmap(image.norm(value))[:3])) > 0.6
            ax.text(
                j,
                i,
                f"{value:.3g}",
                ha="center",
                va="center",
                fontsize=7,
                color=INK if light else PAPER,
            )
    ax.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    ax.set_yticks(range(len(rows)), rows)
    ax.grid(False)
    return _named(ax, metric)


def _sorted(values: Sequence[str]) -> list[str]:
    """Different values, by size where they are numbers, else in their order."""
    different = list(dict.fromkeys(values))
    found = averages.numbers(different)
    if found is None:
        return different
    return [value for _, value in sorted(zip(found, different, strict=True))]
