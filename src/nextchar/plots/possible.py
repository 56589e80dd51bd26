"""How long the texts of each sampler could still be the grammar's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nextchar.plots.marks import belongs, value_mark
from nextchar.plots.palette import look
from nextchar.plots.registry import figure
from nextchar.plots.style import figure_of, heading, legend_beside, new_figure, percent
from nextchar.results import HUMAN, MANY, Possible, Run


@figure(
    "possible",
    "Share of the texts that the grammar could still have written, by their length. One wrong "
    "character ends a text; human text never goes wrong.",
    "Survival curves, one line per sampler.",
    order=50,
)
def draw(run: Run) -> Figure | None:
    if not run.possible or len(run.samplers) > MANY:
        return None
    return figure_of(possible_curves(run.possible, new_figure(8.5, 4.6).add_subplot()))


def possible_curves(rows: Sequence[Possible], ax: Axes) -> Axes:
    """Draw the share of texts that are still possible after n characters, with 95% bands."""
    labels = list(dict.fromkeys(row.sampler for row in rows))
    for label in labels:
        own = [row for row in rows if row.sampler == label and row.characters > 0]
        n, low, high = zip(*((row.characters, row.low, row.high) for row in own), strict=True)
        shape = look(label)
        faint = min(0.1, 1 / len(labels))
        shown = [int(i) for i in np.unique(np.geomspace(1, len(n), 6).astype(int) - 1)]
        band = ax.fill_between(n, low, high, color=shape.color, alpha=faint, linewidth=0)
        line = ax.plot(
            n,
            [row.share for row in own],
            color=shape.color,
            marker="" if label == HUMAN else shape.marker,
            linewidth=2.0 if label == HUMAN else 1.4,
            markevery=shown,
            label=label,
        )
        belongs([band, *line], [label])
        for row in (own[index] for index in shown):
            words = f"{label}: {percent(row.share)} possible after {row.characters} characters"
            value_mark(ax, row.characters, row.share, [label], words)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter(percent)
    ax.set(ylim=(-0.02, 1.03), xlabel="characters written")
    ax.set_ylabel("texts that could be the grammar's")
    heading(ax, "How long texts stay possible", "bands: 95% intervals")
    legend_beside(ax)
    return ax
