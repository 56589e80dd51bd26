"""A search, or a grid over three parameters and more: its progress, its front, its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nextchar.plots.labels import Tag, place_labels
from nextchar.plots.registry import figure
from nextchar.plots.style import (
    FAINT,
    INK,
    PAPER,
    SOFT,
    axis_label,
    figure_of,
    heading,
    is_narrow,
    new_figure,
)
from nextchar.plots.sweep import title, varies
from nextchar.results import sweep_aggregate as averages
from nextchar.results.sweep import FINISHED, Sweep, SweepJob

GOOD = LinearSegmentedColormap.from_list("good", ["#1d4e89", "#5ba3a0", "#e6d9b8"])
"""From the best (dark) to the worst (pale)."""
ACCENT = "#a23e48"


@dataclass(frozen=True)
class Trials:
    """The finished jobs and their scores [J, O]; the objectives in words, and their directions."""

    rows: Sequence[SweepJob]
    titles: Sequence[str]
    aims: Sequence[str]
    scores: NDArray[np.float64]

    @property
    def costs(self) -> NDArray[np.float64]:
        """The scores [J, O], low is good."""
        return self.scores * [-1 if aim == "maximize" else 1 for aim in self.aims]


def trials(sweep: Sweep) -> Trials | None:
    """What the figures need; None where there is nothing to draw.

    A grid has no objectives: its first metric is taken, low.
    """
    if not sweep.plan.objectives and varies(sweep) <= 2:
        return None
    objectives = dict(sweep.plan.objectives) or {averages.metrics(sweep)[0]: "minimize"}
    scored = [
        (row, scores)
        for row in sweep.rows
        if row.state.state == FINISHED
        and None not in (scores := [row.score(name, aim) for name, aim in objectives.items()])
    ]
    if not scored:
        return None
    rows, values = zip(*scored, strict=True)
    titles = [_objective(sweep, name, aim) for name, aim in objectives.items()]
    return Trials(rows, titles, list(objectives.values()), np.array(values, dtype=np.float64))


def _objective(sweep: Sweep, metric: str, aim: str) -> str:
    if aim == "human":
        return f"{title(sweep, metric)}, distance from human text"
    return f"{title(sweep, metric)} ({'high' if aim == 'maximize' else 'low'} is better)"


def _first_objective(sweep: Sweep) -> str:
    return _objective(sweep, *next(iter(sweep.plan.objectives.items())))


@figure(
    "history",
    "The result of each trial, in the order of the trials, and the best so far.",
    lambda sweep: f"Dots and the best so far: {_first_objective(sweep)}.",
    of=Sweep,
    order=1,
)
def draw_history(sweep: Sweep) -> Figure | None:
    found = trials(sweep)
    if found is None or not sweep.plan.objectives:
        return None
    values = found.scores[:, 0]
    best = (np.maximum if found.aims[0] == "maximize" else np.minimum).accumulate(values)
    jobs = [row.job for row in found.rows]
    ax = new_figure(8.5, 4.2).add_subplot()
    ax.plot(jobs, values, "o", color=SOFT, markersize=4, label="a trial")
    ax.step(jobs, best, where="post", color=ACCENT, linewidth=1.6, label="best so far")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="trial", ylabel=axis_label(found.titles[0]))
    ax.legend()
    heading(ax, "Search")
    return figure_of(ax)


@figure(
    "pareto_front",
    "The two objectives: no other trial is better than a marked one in both.",
    "Scatter plot of the two objectives, the Pareto front marked.",
    of=Sweep,
    order=2,
)
def draw_pareto_front(sweep: Sweep) -> Figure | None:
    found = trials(sweep)
    if found is None or len(found.aims) != 2:
        return None
    best = is_best(found.costs)
    x, y = found.scores.T
    ax = new_figure(6.5, 5).add_subplot()
    ax.plot(x[~best], y[~best], "o", color=SOFT, markersize=4, alpha=0.7, label="a trial")
    front = np.flatnonzero(best)[np.argsort(x[best])]
    ax.plot(
        x[front], y[front], "o-", color=ACCENT, markersize=6, linewidth=1, label="the Pareto front"
    )
    ax.set(xlabel=axis_label(found.titles[0]), ylabel=axis_label(found.titles[1]))
    ax.legend()
    heading(ax, "Pareto front", "numbers: the jobs")
    tags = [Tag(str(found.rows[i].job), float(x[i]), float(y[i])) for i in front]
    place_labels(ax, tags, size=7.5)
    return figure_of(ax)


def is_best(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows of costs [J, O] no other row beats: as low everywhere, and lower somewhere."""
    no_worse = (costs[:, None] <= costs[None]).all(-1)
    better = (costs[:, None] < costs[None]).any(-1)
    return np.logical_not((no_worse & better).any(axis=0))


@figure(
    "parallel_coordinates",
    "Each job is a line over its parameters, coloured by its result.",
    lambda sweep: f"Parallel coordinates of {', '.join(sweep.plan.parameters)}.",
    of=Sweep,
    order=3,
)
def draw_parallel_coordinates(sweep: Sweep) -> Figure | None:
    found = trials(sweep)
    if found is None:
        return None
    costs = found.costs[:, 0]
    order = np.argsort(-costs)  # the best on top
    names = sweep.plan.parameters
    columns = [_column([averages.shown(sweep, row, name) for row in found.rows]) for name in names]
    places = np.array([places for places, _ in columns] or np.empty((0, len(costs)))).T
    ax = new_figure(8.5, 4.2).add_subplot()
    lines = LineCollection(
        [list(enumerate(places[job])) for job in order],
        array=costs[order],
        cmap=GOOD,
        norm=Normalize(costs.min(), costs.max()),
        linewidths=1.2,
        alpha=0.85,
    )
    ax.add_collection(lines)
    for index, (_, ticks) in enumerate(columns):
        ax.axvline(index, color=FAINT, linewidth=1.2, zorder=0.5)
        for place, text in ticks.items():
            box = {"facecolor": PAPER, "alpha": 0.75, "linewidth": 0, "pad": 0.6}
            style: dict[str, Any] = {"fontsize": 7.5, "va": "center", "color": INK, "bbox": box}
            ax.annotate(text, (index, place), (4, 0), textcoords="offset points", **style)
    ax.set(xlim=(-0.05, len(columns) - 0.85), ylim=(-0.05, 1.05), yticks=[])
    slant: dict[str, Any] = {"rotation": 30, "ha": "right"} if is_narrow() else {}
    ax.set_xticks(range(len(columns)), names, **slant)
    ax.grid(False)
    heading(ax, "Jobs by their parameters", f"dark is better: {found.titles[0]}")
    return figure_of(ax)


def _column(texts: Sequence[str]) -> tuple[NDArray[np.float64], dict[float, str]]:
    """Places of the values from 0 to 1, and the values that are written beside the axis."""
    numbers = averages.numbers(texts)
    if numbers is None:
        names = list(dict.fromkeys(texts))
        steps = np.linspace(0, 1, len(names))
        written = dict(zip(steps.tolist(), names, strict=True))
        return steps[[names.index(text) for text in texts]], written
    values = np.array(numbers)
    scale = np.log(values) if values.min() > 0 and values.max() / values.min() >= 20 else values
    places = (scale - scale.min()) / (np.ptp(scale) or 1.0)
    written = dict(zip(places.tolist(), [f"{value:.3g}" for value in values], strict=True))
    if len(written) > 6:
        written = {place: text for place, text in written.items() if place in (0.0, 1.0)}
    return places, written


@figure(
    "importance",
    "How much each parameter has to do with being among the best quarter of the trials (PED-ANOVA, "
    "arXiv 2304.10255).",
    lambda sweep: (
        "Importance: "
        + ", ".join(f"{name} {share:.2f}" for name, share in sweep.plan.importance.items())
    ),
    of=Sweep,
    order=4,
)
def draw_importance(sweep: Sweep) -> Figure | None:
    weights = sweep.plan.importance
    if not weights or trials(sweep) is None:
        return None
    names = sorted(weights, key=lambda name: weights[name])
    ax = new_figure(6.5, 1.2 + 0.35 * len(weights)).add_subplot()
    ax.barh(names, [weights[name] for name in names], color=GOOD(0.2), height=0.55)
    ax.set(xlim=(0, 1), xlabel=axis_label("share of what distinguishes the best trials"))
    ax.grid(False, axis="y")
    heading(ax, "Importance of the parameters")
    return figure_of(ax)
