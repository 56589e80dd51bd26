"""One style for every figure, and one way to save it: equal data give equal bytes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from numpy.typing import ArrayLike, NDArray

from nextchar.plots.legible import make_legible
from nextchar.plots.marks import write_marks
from nextchar.runtime import files

INK = "#1f2430"
"""Human text, titles, the best step: what the eye should find first."""
SOFT = "#6b7280"
"""Ticks, axis labels, notes."""
FAINT = "#e3e6ec"
"""Grid lines and bands."""
PAPER = "#ffffff"

BAND: dict[str, Any] = {"color": INK, "alpha": 0.12, "linewidth": 0, "zorder": 0.6}
"""The interval of human text."""
THIN: dict[str, Any] = {"color": INK, "linewidth": 1.2, "zorder": 0.7}
"""The value of human text in its band."""
DASHED: dict[str, Any] = {"color": INK, "linewidth": 1.3, "linestyle": (0, (4, 3)), "zorder": 2}
"""What no model or sampler can go below."""

STYLE: dict[str, Any] = {
    "font.size": 9.5,
    "text.parse_math": False,  # a label may hold any sign
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.titley": 1.0,  # at the top, without a search for ticks that it must stand above
    "axes.labelpad": 6.0,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": FAINT,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "lines.linewidth": 1.3,
    "lines.markersize": 5.5,
    "lines.markeredgecolor": PAPER,
    "lines.markeredgewidth": 0.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}


def style() -> AbstractContextManager[None]:
    """Matplotlib's defaults and `STYLE` on top, whatever the user's matplotlibrc says."""
    return matplotlib.style.context(["default", STYLE])


NARROW = 3.8
"""Inches: a figure as wide as a telephone, with letters that are read there."""
_narrow: ContextVar[bool] = ContextVar("narrow", default=False)


@contextmanager
def narrow() -> Iterator[None]:
    """Within it figures are at most `NARROW` wide, with panels and legends below each other."""
    before = _narrow.set(True)
    try:
        yield
    finally:
        _narrow.reset(before)


def is_narrow() -> bool:
    """Whether the figure is drawn for a narrow page."""
    return _narrow.get()


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, drawn by Agg, with room arranged around its axes."""
    width = min(width, NARROW) if is_narrow() else width
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def panels(count: int, width: float, height: float, *, beside: float = 0.0) -> list[Axes]:
    """The axes of a new figure, each so many inches large, at most three beside each other, of a
    narrow figure one.

    `beside` is the room for labels at the left of them all.
    """
    across = 1 if is_narrow() else min(3, count)
    down = math.ceil(count / across)
    figure = new_figure(max(beside + width * across, 4.5), 0.5 + height * down)
    return [figure.add_subplot(down, across, index + 1) for index in range(count)]


def figure_of(ax: Axes) -> Figure:
    """The figure that the axes lie in."""
    assert isinstance(ax.figure, Figure)
    return ax.figure


def heading(ax: Axes, title: str, subtitle: str = "", *, inches: float = 2.9) -> None:
    """A bold title at the left, and a grey subtitle under it; in a narrow figure, where the axes
    have so many inches, in several lines."""
    if is_narrow():
        title = textwrap.fill(title, int(inches / 0.09))
        subtitle = textwrap.fill(subtitle, int(inches / 0.066))
    ax.set_title(title, pad=13.0 + 11 * (subtitle.count("\n") + 1) if subtitle else 10.0)
    if subtitle:
        note: dict[str, Any] = {"color": SOFT, "fontsize": 8.5}
        ax.annotate(subtitle, (0, 1), (0, 8), "axes fraction", "offset points", **note)


def axis_label(text: str) -> str:
    """The label of an axis, in several lines where the figure is narrow."""
    return textwrap.fill(text, 40) if is_narrow() else text


def thin_ticks(ax: Axes) -> None:
    """Leave out ticks of the x axis whose labels would touch those before them.

    Call it when the layout is final.
    """
    kept, end = [], -math.inf
    for place, label in zip(ax.xaxis.get_majorticklocs(), ax.get_xticklabels(), strict=True):
        box = label.get_window_extent()
        if box.x0 > end + 4:
            kept.append(place)
            end = box.x1
    ax.xaxis.set_major_locator(FixedLocator(kept))


def reach(low: ArrayLike, value: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """How far intervals [N] reach below and above their values: [2, N], as `errorbar` takes it."""
    low, value, high = map(np.atleast_1d, (low, value, high))
    return np.maximum([value - low, high - value], 0)


def widen(low: float, high: float) -> tuple[float, float]:
    """Limits of an axis that doesn't show rounding errors as differences."""
    return (low, high) if high - low > 1e-6 else (low - 0.05, high + 0.05)


def within(
    limits: tuple[float, float], least: float | None, most: float | None
) -> tuple[float, float]:
    """Limits of an axis, widened, that end just beyond the bounds of its values."""
    low, high = widen(*limits)
    room = 0.05 * (high - low)
    return (
        low if least is None else max(low, least - room),
        high if most is None else min(high, most + room),
    )


def percent(value: float, _: object = None) -> str:
    """A share as a tick label."""
    return f"{100 * value:.3g}%"


def settle(figure: Figure) -> None:
    """Arrange everything and let it stay there. Places are rounded: the last digits of nested
    figures and of their axes differ from time to time, and with them the ids in an SVG."""
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(5))
    for ax in figure.axes:
        left, bottom, width, height = (round(each, 5) for each in ax.get_position().bounds)
        ax.set_position((left, bottom, width, height))


def save_figure(figure: Figure, folder: Path, name: str) -> Path:
    """Write `<name>.png` (180 dpi) and `<name>.svg` (text as outlines), and return the PNG.

    No dates, versions or random ids: equal figures are equal bytes.
    """
    save_svg(figure, folder, name)
    figure.set_layout_engine("none")  # all is in its place now
    png = folder / f"{name}.png"
    with style(), files.replacing(png) as path:
        figure.savefig(path, format="png", dpi=180, metadata={"Software": None})
    return png


def save_svg(figure: Figure, folder: Path, name: str) -> Path:
    """Write `<name>.svg` alone, and return it."""
    make_legible(figure)
    drawn = StringIO()
    with style(), matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    svg = folder / f"{name}.svg"
    files.write_text(svg, write_marks(drawn.getvalue()))
    return svg
