"""Against the grammar that wrote the corpus: what truncation buys and costs, how texts go wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from nextchar.plots.palette import look
from nextchar.plots.style import FAINT, INK, PAPER, SOFT, heading
from nextchar.results import HUMAN, Possible, Truncation

ORACLE = "oracle"
_LEAST = 1e-3
"""Shares below a thousandth are drawn on a linear scale, so that zero has a place."""


def truncation_curves(
    rows: Sequence[Truncation], ax: Axes, *, only: Sequence[str] | None = None, across: str = "lost"
) -> Axes:
    """Draw impossible mass against lost mass, a curve a family along its parameter, and the oracle.

    `only` names the families to draw; `across` is `lost`, or `divergence`. Of `lost`, families that
    cut nothing are left out. The nearer to the corner at the lower left, the better.
    """
    drawn = [row for row in rows if only is None or row.family in (*only, ORACLE)]
    families = [
        family
        for family in dict.fromkeys(row.family for row in drawn)
        if any(getattr(row, across) > 0 for row in drawn if row.family == family)
    ]
    for family in families:
        own = [row for row in drawn if row.family == family]
        if family == ORACLE:
            _oracle(own, ax)
        else:
            _family(own, ax, across)
    shown = [row for row in drawn if row.family in families]
    highest = max((row.impossible_high for row in shown), default=1.0)
    lowest = min((row.impossible_low for row in shown), default=0.0)
    farthest = max(
        (getattr(row, f"{across}_high") for row in shown if row.family != ORACLE), default=1
    )
    _shares(ax.yaxis, lowest, highest)
    ax.set_ylabel("impossible: mass on characters that can't come")
    if across == "lost":
        _shares(ax.xaxis, 0.0, farthest)
        ax.set_xlabel("lost: true mass that is cut off")
    else:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlabel("divergence from the truth, bits")
    return ax


def _oracle(own: Sequence[Truncation], ax: Axes) -> None:
    order = np.argsort([row.lost for row in own])
    ax.plot(
        [own[i].lost for i in order],
        [own[i].impossible for i in order],
        color=INK,
        linewidth=1.4,
        linestyle=(0, (4, 3)),
        label="best cut in the model's order",
        zorder=2,
    )


def _family(own: Sequence[Truncation], ax: Axes, across: str) -> None:
    shape = look(f"{own[0].family}={own[len(own) // 2].parameter:g}")
    ax.errorbar(
        [getattr(row, across) for row in own],
        [row.impossible for row in own],
        xerr=_reach(own, across),
        yerr=_reach(own, "impossible"),
        color=shape.text,
        marker=shape.marker,
        markersize=5,
        markeredgecolor=PAPER,
        markeredgewidth=0.6,
        linewidth=1.3,
        elinewidth=0.8,
        label=own[0].family,
        zorder=3,
    )


def _shares(axis: Axis, least: float, most: float) -> None:
    """Logarithmic from `least` to `most`; where that goes below a thousandth, linear down to 0."""
    ax = axis.axes
    assert isinstance(ax, Axes)
    scale, limits = (
        (ax.set_xscale, ax.set_xlim) if isinstance(axis, XAxis) else (ax.set_yscale, ax.set_ylim)
    )
    if least > _LEAST:
        scale("log")
        limits(least * 0.8, min(most * 1.25, 1.0))
    else:
        scale("symlog", linthresh=_LEAST, linscale=0.35)
        limits(-0.00015, min(most * 1.25, 1.0))
    for steps in ((1, 3), (1, 1.5, 2, 3, 4, 5, 7)):
        ticks = [0.0, *(step * 10.0**power for power in (-3, -2, -1) for step in steps), 1.0]
        shown = [tick for tick in ticks if limits()[0] <= tick <= limits()[1]]
        if len(shown) > 3:
            break
    axis.set_major_locator(FixedLocator(shown))
    axis.set_minor_locator(FixedLocator([]))
    axis.set_major_formatter(FuncFormatter(_percent))


def name_parameters(rows: Sequence[Truncation], ax: Axes, every: int = 1) -> Axes:
    """Write the parameter beside every so many of the points, of the families in `rows`."""
    last: tuple[float, float] | None = None
    for index, row in enumerate(rows):
        if row.family == ORACLE or index % every:
            continue
        x, y = (float(v) for v in ax.transData.transform((row.lost, row.impossible)))
        if last is not None and math.dist(last, (x, y)) < 24 * ax.figure.dpi / 72:
            continue
        last = (x, y)
        ax.annotate(
            f"{row.parameter:g}",
            (row.lost, row.impossible),
            (5, 4),
            textcoords="offset points",
            fontsize=7,
            color=look(f"{row.family}={row.parameter:g}").text,
        )
    return ax


def possible_curves(rows: Sequence[Possible], ax: Axes) -> Axes:
    """Draw the share of each sampler's texts that are still possible after n characters, with the
    95% band of each; n is logarithmic."""
    for label in dict.fromkeys(row.sampler for row in rows):
        own = [row for row in rows if row.sampler == label and row.characters > 0]
        shape = look(label)
        n = [row.characters for row in own]
        ax.fill_between(
            n,
            [row.low for row in own],
            [row.high for row in own],
            color=shape.color,
            alpha=0.10,
            linewidth=0,
        )
        ax.plot(
            n,
            [row.share for row in own],
            color=shape.color,
            linewidth=2.0 if label == HUMAN else 1.4,
            marker=shape.marker,
            markevery=[int(i) for i in np.unique(np.geomspace(1, len(n), 6).astype(int) - 1)],
            markersize=5.5,
            markeredgecolor=PAPER,
            markeredgewidth=0.6,
            label=label,
        )
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_major_formatter(FuncFormatter(_percent))
    ax.set_ylim(-0.02, 1.03)
    ax.grid(True, color=FAINT)
    ax.set_xlabel("characters written")
    ax.set_ylabel("texts that could still be the grammar's")
    heading(ax, "How long texts stay possible", "bands: 95% intervals")
    legend = ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    legend.set_alignment("left")
    return ax


def _reach(rows: Sequence[Truncation], name: str) -> list[list[float]]:
    values = [
        (getattr(r, f"{name}_low"), getattr(r, name), getattr(r, f"{name}_high")) for r in rows
    ]
    return [[max(v - low, 0) for low, v, _ in values], [max(high - v, 0) for _, v, high in values]]


def _percent(value: float, _: object) -> str:
    return f"{100 * value:.3g}%"


def corner(ax: Axes) -> Axes:
    """Say which corner is best."""
    ax.annotate(
        "better",
        (0.02, 0.02),
        (0.09, 0.09),
        xycoords="axes fraction",
        textcoords="axes fraction",
        color=SOFT,
        fontsize=8,
        arrowprops={"arrowstyle": "->", "color": SOFT, "linewidth": 0.8},
    )
    return ax
