"""Figures of a run or a sweep: `@figure` registers one, `draw_all` draws every one that applies."""

import contextlib
import os

# Figures are drawn to files: a backend that a notebook hands to its programs may not be here.
_backend = os.environ.pop("MPLBACKEND", None)
import matplotlib  # noqa: E402

if _backend is not None:
    os.environ["MPLBACKEND"] = _backend
    with contextlib.suppress(ValueError):  # within the notebook it is here, and stays
        matplotlib.rcParams["backend"] = _backend

from nextchar.plots.palette import Look, look  # noqa: E402
from nextchar.plots.registry import (  # noqa: E402
    DrawAll,
    Drawn,
    Plot,
    draw_all,
    figure,
    import_figures,
)
from nextchar.plots.style import new_figure  # noqa: E402

__all__ = ["DrawAll", "Drawn", "Look", "Plot", "draw_all", "figure", "look", "new_figure"]

import_figures(__path__)  # now: a file that can't be imported is told before anything is computed
