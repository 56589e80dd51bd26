"""Legends that fit: beside the axes, below them in a narrow figure, samplers by their family."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D

from nextchar.plots.marks import belongs
from nextchar.plots.style import NARROW, figure_of, is_narrow
from nextchar.results import HUMAN
from nextchar.results.labels import split_last

FEW = 10
"""Of more lines, those of samplers that differ in their last parameter share an entry."""

Entry = tuple[Sequence[Line2D], Sequence[str], str]
"""Lines, the samplers that they stand for, and what the legend says of them."""


def sampler_entries(lines: Sequence[tuple[Sequence[str], Line2D]]) -> list[Entry]:
    """The entries of a legend for lines and the samplers that each stands for."""
    rows: dict[tuple[str, ...], tuple[list[Line2D], list[str]]] = {}
    for labels, line in lines:
        alone = len(labels) == 1 and len(lines) > FEW
        own, samplers = rows.setdefault((chain(labels[0]),) if alone else (*labels,), ([], []))
        own.append(line)
        samplers += labels
    return [(own, samplers, in_short(samplers)) for own, samplers in rows.values()]


def chain(label: str) -> str:
    """What samplers that differ in their last parameter only have in common, `top_k`."""
    split = split_last(label)
    return split[0] if split and label.startswith(f"{split[0]}=") else label


def in_short(labels: Sequence[str]) -> str:
    """The labels in one text: `top_k=5, 10; greedy`."""
    chains: dict[str, list[str]] = {}
    for label in labels:
        chains.setdefault(chain(label), []).append(label)
    return "; ".join(
        ", ".join([first, *(label.removeprefix(f"{name}=") for label in others)])
        for name, (first, *others) in chains.items()
    )


def place_legend(ax: Axes, entries: Sequence[Entry], **options: Any) -> Legend:
    """Draw the legend at the right of the axes, below them in a narrow figure.

    The figure grows where the legend needs it. Call it last: it measures what is there.
    """
    figure = figure_of(ax)
    most = max(len(lines) for lines, _, _ in entries)
    handle = 2.6 if most == 1 else 1.3 * most  # in units of the letters' height
    inches = NARROW - 0.25 - handle * 8.5 / 72 if is_narrow() else 2.4
    texts = [textwrap.fill(text, int(inches / 0.07)) for _, _, text in entries]
    blank = Line2D([], [], linestyle="none")
    options |= {
        # Every row has as many places, so that a single line is as long as one of several.
        "handles": [(*lines, *[blank] * (most - len(lines))) for lines, _, _ in entries],
        "labels": texts,
        "handler_map": {tuple: HandlerTuple(ndivide=None, pad=0.2)},
        "handlelength": handle,
    }
    if is_narrow():
        longest = max(len(line) for text in texts for line in text.split("\n"))
        columns = 2 if longest <= 18 and most == 1 else 1
        legend = figure.legend(loc="outside lower left", ncols=columns, **options)
    else:
        legend = ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), **options)
    legend.set_alignment("left")
    high = legend.get_window_extent().height / figure.dpi
    before = figure.get_figheight()
    figure.set_figheight(before + high + 0.1 if is_narrow() else max(before, high + 1.2))
    for text, (_, samplers, _) in zip(legend.get_texts(), entries, strict=True):
        belongs(text, [HUMAN if sampler == "human text" else sampler for sampler in samplers])
    return legend
