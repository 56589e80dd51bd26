"""Pictures of a run: plot functions that take data and an `ax`, and `draw_all` that draws them."""

from nextchar.plots.deciles import kept_by_entropy
from nextchar.plots.intervals import metric_dots
from nextchar.plots.loss import loss_curves, seed_curves
from nextchar.plots.palette import Look, look, marker_outline
from nextchar.plots.quality_diversity import quality_diversity
from nextchar.plots.registry import draw_all
from nextchar.plots.style import new_figure, save_figure
from nextchar.plots.truth import possible_curves, truncation_curves

__all__ = [
    "Look",
    "draw_all",
    "kept_by_entropy",
    "look",
    "loss_curves",
    "marker_outline",
    "metric_dots",
    "new_figure",
    "possible_curves",
    "quality_diversity",
    "save_figure",
    "seed_curves",
    "truncation_curves",
]
