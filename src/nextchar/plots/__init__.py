"""Figures of a run or a sweep: `@figure` registers one, `draw_all` draws every one that applies."""

from nextchar.plots.palette import Look, look
from nextchar.plots.registry import Drawn, Plot, draw_all, figure, import_figures
from nextchar.plots.style import new_figure

__all__ = ["Drawn", "Look", "Plot", "draw_all", "figure", "look", "new_figure"]

import_figures(__path__)  # now: a file that can't be imported is told before anything is computed
