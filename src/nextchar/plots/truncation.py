"""Truncation compared with the grammar: the errors that it removes and the truth that it loses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from nextchar.plots.palette import look
from nextchar.plots.registry import figure
from nextchar.plots.style import (
    DASHED,
    SOFT,
    axis_label,
    heading,
    is_narrow,
    new_figure,
    percent,
    reach,
    settle,
    thin_ticks,
)
from nextchar.results import Run, Truncation
from nextchar.results.labels import with_first

ORACLE = "oracle"
_LEAST = 1e-3
"""Shares below a thousandth are drawn on a linear scale, so that zero has a place."""


def _alt(run: Run) -> str:
    settings = "; ".join(
        f"{row.family} {row.parameter:g}: impossible {row.impossible:.2%}, lost {row.lost:.2%}"
        for row in run.truncation
        if row.family != ORACLE
    )
    return f"Curves of impossible against lost mass. {settings}"


@figure(
    "truncation",
    "The grammar that wrote this corpus is known, so a sampler can be compared with the truth: the "
    "probability that it gives to impossible characters, and the true probability that it cuts "
    "off. Each curve follows a family along its parameter. No rule that cuts in the order of the "
    "model's probabilities can go below the dashed line. A family that cuts off less than 0.1% is "
    "in the right plane alone.",
    _alt,
    order=40,
)
def draw(run: Run) -> Figure | None:
    """All families in both planes, then one panel for each that cuts, with its parameters."""
    rows = run.truncation
    if not rows:
        return None
    families = [family for family in _families(rows, "lost") if family != ORACLE]
    across = min(2 if is_narrow() else 3, max(len(families), 1))
    down = math.ceil(len(families) / across)
    high, each = (8.6, 2.0) if is_narrow() else (4.9, 3.2)
    figure = new_figure(12.0, high + each * down)
    parts = figure.add_gridspec(2, 1, height_ratios=[high, max(each * down, 0.1)])
    top, bottom = figure.add_subfigure(parts[0]), figure.add_subfigure(parts[1])
    planes = top.subplots(2, 1) if is_narrow() else top.subplots(1, 2)
    left = truncation_curves(rows, planes[0])
    heading(left, "What truncation removes, and what it costs", "the grammar's own held-out text")
    right = truncation_curves(rows, planes[1], across="divergence")
    if not is_narrow():
        right.set_ylabel("")
    heading(right, "… and the distance from the truth", "also of what cuts nothing")
    keys: dict[str, Artist] = {}
    small: dict[str, Any] = {"color": SOFT, "fontsize": 8}
    for ax in (left, right):
        arrow = {"arrowstyle": "->", "color": SOFT, "linewidth": 0.8}  # towards the best corner
        within = "axes fraction"
        ax.annotate("better", (0.02, 0.02), (0.09, 0.09), within, within, arrow, **small)
        handles, labels = ax.get_legend_handles_labels()
        keys |= dict(zip(labels, handles, strict=True))
    below = {"loc": "outside lower left", "ncols": 2}
    beside: dict[str, Any] = below if is_narrow() else {"loc": "outside right upper"}
    top.legend(list(keys.values()), list(keys), **beside)
    for index, family in enumerate(families):
        own = [row for row in rows if row.family in (family, ORACLE)]
        panel = truncation_curves(own, bottom.add_subplot(down, across, index + 1))
        panel.set_title(family, fontsize=9.5, pad=6)
        panel.tick_params(labelsize=7)
        low, high = panel.get_xlim()
        panel.set_xlim(low, 2 * high)  # room for the parameter of the last point
        panel.set_xlabel("lost" if index // across == down - 1 else "")
        panel.set_ylabel("impossible" if index % across == 0 else "")
    settle(figure)  # now pixels are final
    for panel in figure.axes:
        thin_ticks(panel)
    for family, panel in zip(families, bottom.axes, strict=True):
        _name_parameters([row for row in rows if row.family == family], panel)
    return figure


def _families(rows: Sequence[Truncation], across: str) -> list[str]:
    """Those with a curve across `lost` or `divergence`, in the order of the rows: one that cuts
    hardly anything (temperatures, penalties) has none across what is lost."""

    def seen(row: Truncation) -> bool:
        if across == "lost":
            return row.lost > _LEAST or row.family == ORACLE
        return row.divergence > 0  # that of the oracle is not known

    lines = {row.family for row in rows if seen(row)}
    return [family for family in dict.fromkeys(row.family for row in rows) if family in lines]


def truncation_curves(rows: Sequence[Truncation], ax: Axes, *, across: str = "lost") -> Axes:
    """Draw impossible mass against lost mass: a curve per family along its parameter, the oracle.

    `across` is `lost` or `divergence`. Of `lost`, families that cut nothing are left out. The
    closer to the corner at the lower left, the better.
    """
    families = _families(rows, across)
    drawn = {family: [row for row in rows if row.family == family] for family in families}
    for family, own in drawn.items():
        if family == ORACLE:
            best = np.array(sorted((row.lost, row.impossible) for row in own))
            ax.plot(*best.T, **DASHED, label="best cut in the model's order")
        else:
            shape = look(with_first(family, own[len(own) // 2].parameter))
            x, xerr = _intervals(own, across)
            y, yerr = _intervals(own, "impossible")
            marks: dict[str, Any] = {"color": shape.text, "marker": shape.marker, "markersize": 5}
            ax.errorbar(x, y, yerr, xerr, **marks, elinewidth=0.8, label=family, zorder=3)
    shown = [row for own in drawn.values() for row in own]
    highest = max((row.impossible_high for row in shown), default=1.0)
    _shares(ax, "y", min((row.impossible_low for row in shown), default=0.0), highest)
    ax.set_ylabel(axis_label("impossible: mass on characters that can't come"))
    if across == "lost":
        cut = [row.lost_high for row in shown if row.family != ORACLE]
        _shares(ax, "x", 0.0, max(cut, default=1.0))
        ax.set_xlabel("lost: true mass that is cut off")
    else:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlabel("divergence from the truth, bits")
    return ax


def _intervals(rows: Sequence[Truncation], name: str) -> tuple[list[float], NDArray[np.float64]]:
    """The values, and how far their intervals reach."""
    low, values, high = (
        [getattr(row, name + end) for row in rows] for end in ("_low", "", "_high")
    )
    return values, reach(low, values, high)


def _shares(ax: Axes, side: str, least: float, most: float) -> None:
    """A logarithmic axis from `least` to `most`; below a thousandth, linear down to 0."""
    low, high = -0.00015, min(most * 1.25, 1.0)
    scale: dict[str, Any] = {"value": "symlog", "linthresh": _LEAST, "linscale": 0.35}
    if least > _LEAST:
        low, scale = least * 0.8, {"value": "log"}
    getattr(ax, f"set_{side}scale")(**scale)
    getattr(ax, f"set_{side}lim")(low, high)
    for steps in ((1, 3), (1, 1.5, 2, 3, 4, 5, 7)):
        ticks = [0.0, *(step * 10.0**power for power in (-3, -2, -1) for step in steps), 1.0]
        shown = [tick for tick in ticks if low <= tick <= high]
        if len(shown) > 3:
            break
    axis = ax.xaxis if side == "x" else ax.yaxis
    axis.set_major_locator(FixedLocator(shown))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(percent)


def _name_parameters(rows: Sequence[Truncation], ax: Axes) -> None:
    """Write the parameter beside each point of one family where it covers no other one.

    Call it when the layout is final.
    """
    edge, boxes = ax.figure.bbox.x1, list[Bbox]()
    for row in (rows[0], rows[-1], *rows[1:-1]):
        color = look(with_first(row.family, row.parameter)).text
        text = ax.annotate(
            f"{row.parameter:g}",
            (row.lost, row.impossible),
            (5, 4),
            textcoords="offset points",
            fontsize=7,
            color=color,
        )
        if text.get_window_extent().x1 > edge:
            text.set(ha="right", position=(-2, 6))
        box = text.get_window_extent().padded(2)
        if any(box.overlaps(other) for other in boxes):
            text.remove()
        else:
            boxes.append(box)
