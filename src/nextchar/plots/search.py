"""A search in pictures: how it got better, where it looked, what it found, what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nextchar.metrics.catalog import title_of
from nextchar.plots.labels import Tag, place_labels
from nextchar.plots.style import FAINT, INK, PAPER, SOFT, heading, new_figure
from nextchar.results import sweep_aggregate as averages
from nextchar.results.sweep import FINISHED, Sweep
from nextchar.results.sweep_aggregate import VALIDATION

GOOD = LinearSegmentedColormap.from_list("good", ["#1d4e89", "#5ba3a0", "#e6d9b8"])
"""From the best (dark) to the worst (pale)."""
ACCENT = "#a23e48"


@dataclass(frozen=True)
class Scored:
    """The finished jobs of a sweep: number, values of the parameters, and objectives [J, O]."""

    jobs: Sequence[int]
    names: Sequence[str]
    values: Sequence[Sequence[str]]
    objectives: Sequence[str]
    aims: Sequence[str]
    scores: NDArray[np.float64]

    @property
    def costs(self) -> NDArray[np.float64]:
        """The objectives [J, O], low is good."""
        return self.scores * [-1 if aim == "maximize" else 1 for aim in self.aims]


def search_figures(sweep: Sweep) -> dict[str, Figure]:
    """The figures of a search, or of a grid over three parameters and more."""
    scored = score(sweep)
    if not len(scored.scores):
        return {}
    figures = {}
    if sweep.plan.objectives:
        figures["history"] = new_figure(8.5, 3.6)
        history(scored, figures["history"].add_subplot())
    if len(scored.objectives) == 2:
        figures["pareto_front"] = new_figure(6.5, 5)
        pareto_front(scored, figures["pareto_front"].add_subplot())
    figures["parallel_coordinates"] = new_figure(8.5, 4.2)
    parallel_coordinates(scored, figures["parallel_coordinates"].add_subplot())
    weights = sweep.plan.importance
    if weights:
        figures["importance"] = new_figure(6.5, 1.2 + 0.35 * len(weights))
        importance(weights, figures["importance"].add_subplot())
    return figures


def score(sweep: Sweep) -> Scored:
    """What the plots need. A grid has no objectives of its own: its first metric is taken, low."""
    objectives = dict(sweep.plan.objectives)
    if not objectives:
        objectives = {averages.metrics(sweep)[0]: "minimize"}
    finished = [row for row in sweep.rows if row.state.state == FINISHED]
    rows = [
        (row, scores)
        for row in finished
        if None not in (scores := [row.score(name, aim) for name, aim in objectives.items()])
    ]
    return Scored(
        jobs=[row.job for row, _ in rows],
        names=sweep.plan.parameters,
        values=[
            [averages.shown(sweep, row, name) for name in sweep.plan.parameters] for row, _ in rows
        ],
        objectives=list(objectives),
        aims=list(objectives.values()),
        scores=np.array([scores for _, scores in rows], dtype=np.float64).reshape(
            len(rows), len(objectives)
        ),
    )


def _title(scored: Scored, index: int) -> str:
    """An objective in words, with the way that is better."""
    figure, aim = scored.objectives[index], scored.aims[index]
    words = "validation loss, nats a character" if figure == VALIDATION else title_of(figure).long
    if aim == "human":
        return f"{words}, distance from human text"
    return f"{words} ({'high' if aim == 'maximize' else 'low'} is better)"


def history(scored: Scored, ax: Axes) -> Axes:
    """Draw the first objective of each job, and the best so far."""
    values = scored.scores[:, 0]
    best = (np.maximum if scored.aims[0] == "maximize" else np.minimum).accumulate(values)
    ax.plot(scored.jobs, values, "o", color=SOFT, markersize=4, label="a trial")
    ax.step(scored.jobs, best, where="post", color=ACCENT, linewidth=1.6, label="best so far")
    ax.set_xlabel("trial")
    ax.set_ylabel(_title(scored, 0))
    ax.legend()
    heading(ax, "Search")
    return ax


def is_best(scored: Scored) -> NDArray[np.bool_]:
    """Which jobs [J] no other is better than in one objective and as good in the rest."""
    costs = scored.costs
    no_worse = (costs[:, None] <= costs[None]).all(-1)
    better = (costs[:, None] < costs[None]).any(-1)
    return np.logical_not((no_worse & better).any(axis=0).reshape(-1))


def pareto_front(scored: Scored, ax: Axes) -> Axes:
    """Draw two objectives against each other, those that nothing beats in both marked."""
    front = is_best(scored)
    x, y = scored.scores.T
    ax.plot(x[~front], y[~front], "o", color=SOFT, markersize=4, alpha=0.7, label="a trial")
    order = np.argsort(x[front])
    ax.plot(
        x[front][order],
        y[front][order],
        "o-",
        color=ACCENT,
        markersize=6,
        linewidth=1.0,
        label="nothing beats it in both",
    )
    ax.set_xlabel(_title(scored, 0))
    ax.set_ylabel(_title(scored, 1))
    ax.legend()
    heading(ax, "Pareto front", "numbers: the jobs")
    tags = [
        Tag(str(job), float(a), float(b))
        for job, a, b in zip(np.array(scored.jobs)[front], x[front], y[front], strict=True)
    ]
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]  # places are final after it
    place_labels(ax, tags, size=7.5)
    return ax


def parallel_coordinates(scored: Scored, ax: Axes) -> Axes:
    """Draw every job as a line over its parameters, coloured by the first objective."""
    axes = [
        _axis([values[index] for values in scored.values]) for index in range(len(scored.names))
    ]
    costs = scored.costs[:, 0]
    order = np.argsort(-costs)  # the best on top
    places = np.array([place for place, _ in axes] or np.empty((0, len(costs)))).T
    lines = [list(enumerate(places[job])) for job in order]
    paint = LineCollection(
        lines, cmap=GOOD, norm=Normalize(costs.min(), costs.max()), linewidths=1.2, alpha=0.85
    )
    paint.set_array(costs[order])
    ax.add_collection(paint)
    for index, (_, ticks) in enumerate(axes):
        ax.axvline(index, color=FAINT, linewidth=1.2, zorder=0.5)
        for place, text in ticks:
            ax.annotate(
                text,
                (index, place),
                (4, 0),
                textcoords="offset points",
                fontsize=7.5,
                va="center",
                color=INK,
                bbox={"facecolor": PAPER, "alpha": 0.75, "linewidth": 0, "pad": 0.6},
            )
    ax.set_xlim(-0.05, len(axes) - 0.85)
    ax.set_ylim(-0.05, 1.05)
    ax.set_xticks(range(len(axes)), list(scored.names))
    ax.set_yticks([])
    ax.grid(False)
    heading(ax, "Where it looked", f"dark: better; {_title(scored, 0)}")
    return ax


def _axis(texts: Sequence[str]) -> tuple[NDArray[np.float64], list[tuple[float, str]]]:
    """Places from 0 to 1 of values, and the values that stand beside the axis."""
    numbers = averages.numbers(texts)
    if numbers is None:
        different = list(dict.fromkeys(texts))
        step = 1 / max(len(different) - 1, 1)
        known = {text: index * step for index, text in enumerate(different)}
        return np.array([known[text] for text in texts]), [(v, k) for k, v in known.items()]
    values = np.array(numbers)
    scale = np.log(values) if values.min() > 0 and values.max() / values.min() >= 20 else values
    low, span = scale.min(), np.ptp(scale) or 1.0
    places = (scale - low) / span
    shown = dict(zip(places.tolist(), [f"{value:.3g}" for value in values], strict=True))
    if len(shown) > 6:
        shown = {place: text for place, text in shown.items() if place in (0.0, 1.0)}
    return places, list(shown.items())


def importance(weights: Mapping[str, float], ax: Axes) -> Axes:
    """Draw how much each parameter has to do with being among the best trials, as shares."""
    names = sorted(weights, key=lambda name: weights[name])
    ax.barh(names, [weights[name] for name in names], color=GOOD(0.2), height=0.55)
    ax.set_xlabel("share of what tells the best trials apart")
    ax.set_xlim(0, 1)
    ax.grid(False, axis="y")
    heading(ax, "What mattered")
    return ax
