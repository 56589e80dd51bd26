"""Families of samplers beside each other: how far each is from human text, tuned alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nextchar.plots.labels import name_rows
from nextchar.plots.outside import far_from_all, point_beyond
from nextchar.plots.palette import look
from nextchar.plots.registry import figure
from nextchar.plots.style import (
    FAINT,
    INK,
    PAPER,
    SOFT,
    THIN,
    heading,
    is_narrow,
    new_figure,
    percent,
    widen,
)
from nextchar.results import OVERALL, FamilyFigure, Run
from nextchar.results.labels import label_names

Panel = tuple[str, str, str, str]
"""Kind and metric of the rows, title and subtitle."""

RING: dict[str, Any] = {
    "s": 11,
    "facecolor": PAPER,
    "edgecolor": SOFT,
    "linewidth": 0.8,
    "zorder": 3,
}
"""A single training."""

PANELS: Sequence[Panel] = (
    ("overall", OVERALL, "One setting for all metrics", "mean distance from human text, in SDs"),
    (
        "equal diversity",
        "bits_per_character",
        "At human text's variety",
        "bits per character; line: human",
    ),
    (
        "equal bits",
        "unknown_words",
        "At human text's surprise",
        "words not in the training text; line: human",
    ),
)


def _alt(run: Run) -> str:
    rows = {row.family: row for row in run.families if row.kind == "overall"}
    told = "; ".join(
        f"{row.family} {row.value:.2f}" for row in run.families if row.metric == OVERALL
    )
    return f"Overall distance of {len(rows)} families from human text: {told}."


@figure(
    "families",
    "Families of samplers, tuned on the even prompts and measured on the odd ones, in the order of "
    "their distance from human text. Lines are 95% intervals, small circles the single trainings "
    "where there are several, the dark line is human text. A family without a mark never reaches "
    "human text's value; an arrow stands for one so far away that it would squeeze the others.",
    _alt,
    order=15,
)
def draw(run: Run) -> Figure | None:
    """A panel for each way of choosing a setting, with the families in the same rows."""
    ranked = sorted((r for r in run.families if r.metric == OVERALL), key=lambda row: row.value)
    if len(ranked) < 2:
        return None
    names = [row.family for row in ranked]
    height = 1.3 + 0.24 * max(len(names), 4)
    down, across = (len(PANELS), 1) if is_narrow() else (1, len(PANELS))
    drawn = new_figure(12.0, height * down)
    axes = drawn.subplots(down, across, sharey=True)
    for (kind, metric, title, subtitle), ax in zip(PANELS, axes, strict=True):
        own = [row for row in run.families if (row.kind, row.metric) == (kind, metric)]
        family_intervals(own, names, ax, share=run.info(metric).unit == "share")
        heading(ax, title, subtitle, inches=1.9)
    return drawn


def family_intervals(
    rows: Sequence[FamilyFigure], names: Sequence[str], ax: Axes, *, share: bool = False
) -> Axes:
    """Draw one row for each family of `names`, from top to bottom: value, interval, trainings.

    A value far from all others is an arrow at the edge; shares are told in per cent.
    """
    far = far_from_all({row.family: row.value for row in rows})
    for row in rows:
        if row.family in far:
            continue
        place, shape = names.index(row.family), look(" ".join(label_names(row.family)))
        if math.isfinite(row.low + row.high):
            ax.plot([row.low, row.high], [place] * 2, color=shape.text, linewidth=1.8)
        alone = [float(value) for value in row.by_seed.split()]
        ax.scatter(alone, [place] * len(alone), **RING)
        ax.plot(row.value, place, marker=shape.marker, color=shape.text, zorder=4)
    if rows and rows[0].metric != OVERALL:
        ax.axvline(rows[0].human, **THIN)
    ax.set_ylim(len(names) - 0.4, -0.6)
    name_rows(ax, names)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.grid(True, axis="y", color=FAINT)
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.08)
    ax.set_xlim(widen(*ax.get_xlim()))
    ax.xaxis.set_major_locator(MaxNLocator(4))
    if share:
        ax.xaxis.set_major_formatter(percent)
    for row in rows:
        if row.family in far:
            color = look(" ".join(label_names(row.family))).text
            words = percent(row.value) if share else f"{row.value:.3g}"
            point_beyond(ax, row.value, names.index(row.family), color, words)
    return ax
