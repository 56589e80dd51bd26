"""How long the texts of each sampler could still be the grammar's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nextchar.plots.legend import FEW, in_short, place_legend, sampler_entries
from nextchar.plots.marks import belongs, value_mark
from nextchar.plots.palette import look
from nextchar.plots.registry import figure
from nextchar.plots.style import figure_of, heading, new_figure, percent
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
    """Draw the share of texts that are still possible after n characters, with 95% bands.

    Samplers with the same shares everywhere share a line; of more than `FEW` lines, whose bands
    would cover each other, the intervals are told only.
    """
    own: dict[str, list[Possible]] = {}
    for row in rows:
        if row.characters > 0:
            own.setdefault(row.sampler, []).append(row)
    alike: dict[tuple[float, ...], list[str]] = {}
    for label, life in own.items():
        alike.setdefault(tuple(round(row.share, 9) for row in life), []).append(label)
    lines = []
    for labels in alike.values():
        life = own[labels[0]]
        n, share, low, high = zip(
            *((row.characters, row.share, row.low, row.high) for row in life), strict=True
        )
        shown = [int(i) for i in np.unique(np.geomspace(1, len(n), 6).astype(int) - 1)]
        human = HUMAN in labels
        bold: dict[str, Any] = {"marker": "", "linewidth": 2.0} if human else {"linewidth": 1.4}
        shape = look(HUMAN if human else labels[0])
        (line,) = ax.plot(n, share, markevery=shown, **shape.curve | bold)
        lines.append((labels, line))
        belongs(line, labels)
        if len(alike) <= FEW:
            faint: dict[str, Any] = {
                "color": shape.color,
                "alpha": min(0.1, 0.5 / len(alike)),
                "linewidth": 0,
            }
            belongs(ax.fill_between(n, low, high, color=shape.color, **faint), labels)
        for row in (life[index] for index in shown):
            ends = f"{percent(row.share)} ({percent(row.low)} to {percent(row.high)})"
            words = f"{in_short(labels)}: {ends} possible after {row.characters} characters"
            value_mark(ax, row.characters, row.share, labels, words)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter(percent)
    ax.set(ylim=(-0.02, 1.03), xlabel="characters written")
    ax.set_ylabel("texts that could be the grammar's")
    heading(ax, "How long texts stay possible", "bands: 95% intervals" if len(alike) <= FEW else "")
    place_legend(ax, sampler_entries(lines))
    return ax
