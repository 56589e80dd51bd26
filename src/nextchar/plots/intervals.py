"""One metric: samplers as rows, a dot and its interval each, human text as a vertical band."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from nextchar.metrics.catalog import title_of
from nextchar.plots.palette import look
from nextchar.plots.style import FAINT, INK, SOFT
from nextchar.results import HUMAN, Metric


def metric_dots(
    rows: Sequence[Metric], samplers: Sequence[str], ax: Axes, *, names: bool = True
) -> Axes:
    """Draw the rows of one metric, `samplers` from top to bottom whether they have it or not.

    `names` writes the labels at the left; `human` among `rows` becomes the band, not a row.
    """
    labels = [label for label in samplers if label != HUMAN]
    places = {label: index for index, label in enumerate(labels)}
    for row in rows:
        if not math.isfinite(row.value):
            continue
        if row.sampler == HUMAN:
            ax.axvspan(row.low, row.high, color=INK, alpha=0.12, linewidth=0, zorder=0.6)
            ax.axvline(row.value, color=INK, linewidth=1.2, zorder=0.7)
        elif row.sampler in places:
            _dot(ax, row, places[row.sampler])
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.set_yticks(range(len(labels)), labels if names else [""] * len(labels))
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.grid(False, axis="x")
    ax.grid(True, axis="y", color=FAINT)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
    ax.margins(x=0.08)
    title = title_of(rows[0].metric) if rows else title_of("")
    ax.set_title(title.long, fontsize=9.5, pad=6)
    unit = rows[0].unit if rows else ""
    ax.set_xlabel(unit if unit not in title.long else "", fontsize=8.5, color=SOFT)
    return ax


def _dot(ax: Axes, row: Metric, place: int) -> None:
    shape = look(row.sampler)
    if math.isfinite(row.low) and math.isfinite(row.high):
        ax.plot([row.low, row.high], [place, place], color=shape.color, linewidth=1.8, zorder=3)
    ax.plot(
        [row.value],
        [place],
        marker=shape.marker,
        markersize=5.5,
        color=shape.color,
        markeredgewidth=0,
        linestyle="none",
        zorder=4,
        clip_on=False,
    )
