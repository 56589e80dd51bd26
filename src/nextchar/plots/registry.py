"""Every figure that the data of a run allow."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from nextchar.metrics.groups import groups
from nextchar.metrics.titles_truth import TRUTH
from nextchar.plots.deciles import PREFIX, kept_by_entropy
from nextchar.plots.intervals import metric_dots
from nextchar.plots.loss import loss_curves, seed_curves
from nextchar.plots.quality_diversity import FEW, drawable, quality_diversity
from nextchar.plots.style import INK, heading, new_figure, save_figure, style
from nextchar.plots.truth import ORACLE, corner, name_parameters, possible_curves, truncation_curves
from nextchar.results import HUMAN, REFERENCES, Metric, Possible, Run, Truncation


def draw_all(run: Run, folder: Path) -> dict[str, Path]:
    """Draw into `folder` what the data allow; name to PNG, with the SVG beside it.

    `quality_diversity` needs a sampler with both metrics, `metrics` (and one for each further
    group of metrics) any sampler with a figure, `kept_by_entropy` its deciles, `truncation` and
    `possible` a corpus whose truth is known, `loss_curves` training records (of seeds that
    are pooled, a line each). Without human text the
    target and the bands are left out; the other references stand in the tables only.
    """
    run = replace(
        run, metrics=[row for row in run.metrics if row.sampler not in set(REFERENCES) - {HUMAN}]
    )
    figures: dict[str, Figure] = {}
    with style():
        if drawable(run):
            figures["quality_diversity"] = _plane(run)
        for group, rows in groups(run.metrics).items():
            # The truth has pictures of its own, below.
            if group != TRUTH and any(
                row.sampler != HUMAN and math.isfinite(row.value) for row in rows
            ):
                if rows[0].metric.startswith(PREFIX):
                    figures["kept_by_entropy"] = _deciles(rows)
                else:
                    # The first group, that of every run, has the plain name.
                    name = f"metrics_{_slug(group)}" if "metrics" in figures else "metrics"
                    figures[name] = _metrics(rows)
        if run.truncation:
            figures["truncation"] = _truncation(run.truncation)
        if run.possible:
            figures["possible"] = _possible(run.possible)
        if run.training or run.trainings:
            figures["loss_curves"] = _losses(run)
    return {name: save_figure(figure, folder, name) for name, figure in figures.items()}


def _plane(run: Run) -> Figure:
    many = len(run.samplers) > FEW + 1
    figure = new_figure(*((10.5, 7.0) if many else (8.5, 5.6)))
    quality_diversity(run, figure.add_subplot())
    return figure


def _truncation(rows: Sequence[Truncation]) -> Figure:
    """All families in both planes, then one panel a family that cuts, with its parameters."""
    cutting = {row.family for row in rows if row.lost > 0}
    families = [f for f in dict.fromkeys(r.family for r in rows) if f in cutting - {ORACLE}]
    across = min(3, max(len(families), 1))
    down = math.ceil(len(families) / across)
    figure = new_figure(12.0, 4.9 + 3.2 * down)
    parts = figure.add_gridspec(2, 1, height_ratios=[4.9, max(3.2 * down, 0.1)])
    top, bottom = figure.add_subfigure(parts[0]), figure.add_subfigure(parts[1])
    left = truncation_curves(rows, top.add_subplot(1, 2, 1))
    heading(left, "What truncation buys, and what it costs", "a grammar's own text, held out")
    right = truncation_curves(rows, top.add_subplot(1, 2, 2), across="divergence")
    right.set_ylabel("")
    heading(right, "… and how far from the truth that is", "temperature, which cuts nothing, too")
    keys: dict[str, Artist] = {}
    for ax in (left, right):
        corner(ax)
        handles, labels = ax.get_legend_handles_labels()
        keys |= dict(zip(labels, handles, strict=True))
    top.legend(list(keys.values()), list(keys), loc="outside right upper")
    for index, family in enumerate(families):
        own = [row for row in rows if row.family in (family, ORACLE)]
        panel = truncation_curves(own, bottom.add_subplot(down, across, index + 1))
        panel.set_title(family, fontsize=9.5, pad=6)
        panel.tick_params(labelsize=7)
        panel.set_xlabel("lost" if index // across == down - 1 else "")
        panel.set_ylabel("impossible" if index % across == 0 else "")
    figure.draw_without_rendering()  # constrained layout settles: now pixels are final
    for family, panel in zip(families, bottom.axes, strict=True):
        name_parameters([row for row in rows if row.family == family], panel)
    return figure


def _possible(rows: Sequence[Possible]) -> Figure:
    figure = new_figure(8.5, 4.6)
    possible_curves(rows, figure.add_subplot())
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
    ax = figure.add_subplot()
    if run.trainings:
        seed_curves(run.trainings, ax, entropy_rate=rate)
    else:
        loss_curves(run.training, ax, entropy_rate=rate)
    return figure
