"""Every figure that the data of a run allow."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from nextchar.plots.curves import loss_curves
from nextchar.plots.deciles import PREFIX, kept_by_entropy
from nextchar.plots.dots import metric_dots
from nextchar.plots.plane import FEW, drawable, quality_diversity
from nextchar.plots.style import INK, new_figure, save_figure, style
from nextchar.results import HUMAN, REFERENCES, Metric, Run
from nextchar.table import groups


def draw_all(run: Run, folder: Path) -> dict[str, Path]:
    """Draw into `folder` what the data allow; name to PNG, with the SVG beside it.

    `quality_diversity` needs a sampler with both metrics, `metrics` (and one for each further
    group of metrics) any sampler with a figure, `kept_by_entropy` its deciles, `loss_curves`
    training records. Without human text the target and the bands are left out; the other
    references stand in the tables only.
    """
    run = replace(
        run, metrics=[row for row in run.metrics if row.sampler not in set(REFERENCES) - {HUMAN}]
    )
    figures: dict[str, Figure] = {}
    with style():
        if drawable(run):
            figures["quality_diversity"] = _plane(run)
        for group, rows in groups(run.metrics).items():
            if any(row.sampler != HUMAN and math.isfinite(row.value) for row in rows):
                if rows[0].metric.startswith(PREFIX):
                    figures["kept_by_entropy"] = _deciles(rows)
                else:
                    # The first group, that of every run, has the plain name.
                    name = f"metrics_{_slug(group)}" if "metrics" in figures else "metrics"
                    figures[name] = _metrics(rows)
        if run.training:
            figures["loss_curves"] = _losses(run)
    return {name: save_figure(figure, folder, name) for name, figure in figures.items()}


def _plane(run: Run) -> Figure:
    many = len(run.samplers) > FEW + 1
    figure = new_figure(*((10.5, 7.0) if many else (8.5, 5.6)))
    quality_diversity(run, figure.add_subplot())
    return figure


def _slug(group: str) -> str:
    """A group's name as a part of a file's."""
    return re.sub(r"\W+", "_", group)


def _deciles(rows: Sequence[Metric]) -> Figure:
    figure = new_figure(8.5, 4.6)
    kept_by_entropy(rows, figure.add_subplot())
    return figure


def _metrics(metrics: Sequence[Metric]) -> Figure:
    names = list(dict.fromkeys(row.metric for row in metrics if row.sampler != HUMAN))
    samplers = list(dict.fromkeys(row.sampler for row in metrics))
    labels = [label for label in samplers if label != HUMAN]
    across = min(3, len(names))
    down = math.ceil(len(names) / across)
    wide = 0.075 * min(max(map(len, labels)), 60)
    height = 0.85 + 0.21 * max(len(labels), 2)
    figure = new_figure(wide + 2.7 * across, 0.35 + height * down)
    for index, name in enumerate(names):
        ax = figure.add_subplot(down, across, index + 1)
        rows = [row for row in metrics if row.metric == name]
        metric_dots(rows, labels, ax, names=index % across == 0)
    if HUMAN in samplers:
        line = Line2D([], [], color=INK, linewidth=1.2)
        band = Patch(facecolor=INK, alpha=0.12, linewidth=0)
        key: list[Any] = [(band, line)]  # a tuple is drawn as one key, which the stubs don't know
        text = "human text and its 95% interval"
        figure.legend(key, [text], loc="outside upper left", fontsize=9)
    figure.set_layout_engine("constrained", wspace=0.05, hspace=0.05)
    return figure


def _losses(run: Run) -> Figure:
    figure = new_figure(8.5, 4.2)
    rate = run.manifest.get("corpus", {}).get("entropy_rate")
    loss_curves(run.training, figure.add_subplot(), entropy_rate=rate)
    return figure
