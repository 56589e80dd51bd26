"""Metrics with their intervals: one panel per metric, one row per sampler."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from nextchar.plots.labels import name_rows, row_name
from nextchar.plots.marks import belongs, belongs_by_text, value_mark, value_words
from nextchar.plots.outside import far_from_all, point_beyond
from nextchar.plots.palette import look
from nextchar.plots.registry import figure
from nextchar.plots.style import BAND, FAINT, INK, SOFT, THIN, figure_of, is_narrow, panels, within
from nextchar.results import HUMAN, MANY, REFERENCES, Metric, MetricInfo, Run

ELSEWHERE = ("kept_in_decile_1", "impossible_mass")
"""Metrics whose groups have figures of their own: kept_by_entropy, truncation and possible."""

FEW_SEEDS = 4
"""With fewer seeds than this each is drawn beside the interval."""


def _group(run: Run) -> str:
    return run.info(run.metrics[0].metric).group


@figure(
    "metrics",
    lambda run: (
        f"{_group(run).capitalize()}: each metric with its 95% interval, the samplers in the order "
        "of the table. The dark line is human text, where it has the metric, and the band around "
        "it its interval. An arrow stands for a value so far away that it would squeeze the others."
    ),
    lambda run: f"Values and intervals of the metrics “{_group(run)}”, one row per sampler.",
    each_group=True,
    order=20,
)
def draw(run: Run) -> Figure | None:
    """The metrics of one group."""
    rows = [row for row in run.metrics if row.sampler == HUMAN or row.sampler not in REFERENCES]
    drawn = [row for row in rows if row.sampler != HUMAN]
    names = list(dict.fromkeys(row.metric for row in drawn))
    if not any(math.isfinite(row.value) for row in drawn) or not set(ELSEWHERE).isdisjoint(names):
        return None
    labels = list(dict.fromkeys(row.sampler for row in drawn))
    if len(labels) > MANY:
        return None
    lines = [row_name(label).split("\n") for label in labels]
    beside = 0.075 * max(len(line) for each in lines for line in each)
    row = 0.24 if any(len(each) > 1 for each in lines) else 0.21
    axes = panels(len(names), 2.7, 0.85 + row * max(len(labels), 2), beside=beside)
    for index, (name, ax) in enumerate(zip(names, axes, strict=True)):
        own = [row for row in rows if row.metric == name]
        metric_intervals(own, labels, run.info(name), ax, names=is_narrow() or index % 3 == 0)
        if len(run.by_seed) < FEW_SEEDS:
            seed_dots([*run.by_seed.values()], name, labels, ax)
    figure = figure_of(axes[0])
    if any(row.sampler == HUMAN for row in rows):
        # A tuple is drawn as one key, which the stubs don't know.
        key: list[Any] = [(Patch(**BAND), Line2D([], [], **THIN))]
        figure.legend(key, ["human text and its 95% interval"], loc="outside upper left")
    figure.set_layout_engine("constrained", wspace=0.05, hspace=0.05)
    return figure


def seed_dots(
    seeds: Sequence[Sequence[Metric]], metric: str, samplers: Sequence[str], ax: Axes
) -> Axes:
    """Draw the value of each seed below its sampler's interval: an interval over two or three
    seeds says less than they do."""
    for rows in seeds:
        for row in rows:
            if row.metric == metric and row.sampler in samplers and math.isfinite(row.value):
                place = samplers.index(row.sampler) + 0.28
                dot = ax.plot(row.value, place, ".", color=look(row.sampler).color, markersize=5)
                belongs(dot, [row.sampler])
    return ax


def metric_intervals(
    rows: Sequence[Metric], samplers: Sequence[str], info: MetricInfo, ax: Axes, names: bool = True
) -> Axes:
    """Draw the rows of one metric, `samplers` from top to bottom whether they have it or not.

    `names` writes the labels at the left; `human` among `rows` becomes the band, not a row.
    Intervals end at the metric's bounds: Student's don't know them. A value far from all others is
    an arrow at the edge.
    """
    least, most = info.bounds
    far = far_from_all({row.sampler: row.value for row in rows if math.isfinite(row.value)})
    for given in rows:
        low = given.low if least is None else max(given.low, least)
        row = replace(given, low=low, high=given.high if most is None else min(given.high, most))
        if not math.isfinite(row.value) or row.sampler in far:
            continue
        if row.sampler == HUMAN:
            band = ax.axvspan(row.low, row.high, **BAND)
            belongs(band, [HUMAN], value_words("human text", row))
            belongs(ax.axvline(row.value, **THIN), [HUMAN])
        elif row.sampler in samplers:
            place, shape = samplers.index(row.sampler), look(row.sampler)
            if math.isfinite(row.low) and math.isfinite(row.high):
                ends = [row.low, row.high]
                belongs(ax.plot(ends, [place] * 2, color=shape.color, linewidth=1.8), [row.sampler])
            point = ax.plot(row.value, place, **shape.line, markeredgewidth=0, clip_on=False)
            belongs(point, [row.sampler])
            value_mark(ax, row.value, place, [row.sampler], value_words(row.sampler, row))
    ax.set_ylim(len(samplers) - 0.4, -0.6)
    name_rows(ax, samplers if names else [""] * len(samplers))
    belongs_by_text(ax.get_yticklabels(), samplers)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.grid(False, axis="x")
    ax.grid(True, axis="y", color=FAINT)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
    ax.margins(x=0.08)
    ax.set_xlim(within(ax.get_xlim(), least, most))
    for row in rows:
        if row.sampler in far and row.sampler in samplers:
            place = samplers.index(row.sampler)
            edge, drawn = point_beyond(
                ax, row.value, place, look(row.sampler).color, f"{row.value:.3g}"
            )
            belongs(drawn, [row.sampler])
            value_mark(ax, edge, place, [row.sampler], value_words(row.sampler, row))
    ax.set_title(info.long, fontsize=9.5, pad=6)
    if rows[0].unit not in info.long:
        ax.set_xlabel(rows[0].unit, fontsize=8.5, color=SOFT)
    return ax
