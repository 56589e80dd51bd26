"""One style for every figure, and one way to save it: the same data give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nextchar.runtime import files

INK = "#1f2430"
"""Human text, titles, the best step: whatever the eye should find first."""
SOFT = "#6b7280"
"""Ticks, axis labels, notes."""
FAINT = "#e3e6ec"
"""Grid lines and bands."""
PAPER = "#ffffff"

STYLE: dict[str, Any] = {
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.facecolor": PAPER,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.labelpad": 6.0,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "path",
}


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults and `STYLE` on top, whatever the user's matplotlibrc says."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, drawn by Agg, with room arranged around its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def heading(ax: Axes, title: str, subtitle: str = "") -> None:
    """A bold title at the left, and under it what the reader needs to know, in grey."""
    ax.set_title(title, pad=24.0 if subtitle else 10.0)
    if subtitle:
        ax.annotate(
            subtitle,
            (0, 1),
            (0, 8),
            xycoords="axes fraction",
            textcoords="offset points",
            color=SOFT,
            fontsize=8.5,
        )


def save_figure(figure: Figure, folder: Path, name: str) -> Path:
    """Write `<name>.png` (180 dpi) and `<name>.svg` (text as outlines), and return the PNG.

    No dates, versions or random ids: equal figures are equal bytes.
    """
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    with style(), matplotlib.rc_context({"svg.hashsalt": name}):
        with files.replacing(svg) as path:
            figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        with files.replacing(png) as path:
            figure.savefig(path, format="png", dpi=180, metadata={"Software": None})
    return png
