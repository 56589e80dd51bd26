"""Surprise against variety: where each sampler lies, and where human text is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from nextchar.plots.labels import Tag, place_labels
from nextchar.plots.legend import place_legend
from nextchar.plots.marks import belongs, belongs_by_text, value_mark
from nextchar.plots.outside import far_from_all
from nextchar.plots.palette import look
from nextchar.plots.registry import figure
from nextchar.plots.style import (
    BAND,
    INK,
    PAPER,
    SOFT,
    figure_of,
    heading,
    is_narrow,
    new_figure,
    reach,
    widen,
)
from nextchar.results import HUMAN, MANY, REFERENCES, Metric, MetricInfo, Run
from nextchar.results.labels import label_names, label_parts, split_last

QUALITY, DIVERSITY = "bits_per_character", "distinct_1"
FEW = 12
"""Up to so many samplers are labelled in full; of more the labels are parameters, with a legend."""

Points = dict[str, tuple[Metric, Metric]]


def _alt(run: Run) -> str:
    places = "; ".join(
        f"{'human text' if label == HUMAN else label} {x.value:.2f}, {y.value:.2f}"
        for label, (x, y) in _points(run).items()
    )
    return f"{run.info(QUALITY).long} and {run.info(DIVERSITY).long}: {places}."


@figure(
    "quality_diversity",
    "Each sampler by how surprising its text is to the model and how varied its words are. Human "
    "text is the star, its 95% intervals the bands. Lines join samplers that differ in their last "
    "parameter only.",
    _alt,
    order=10,
)
def draw(run: Run) -> Figure | None:
    points = _points(run)
    if not points.keys() - {HUMAN} or len(points) > MANY:
        return None
    size = (10.5, 7.0) if len(points) > FEW + 1 else (8.5, 5.6)
    size = (size[0], 5.0) if is_narrow() else size
    return figure_of(quality_diversity(run, new_figure(*size).add_subplot()))


def quality_diversity(run: Run, ax: Axes) -> Axes:
    """Draw each sampler at (quality, diversity) with both 95% intervals, and human text as target.

    Samplers that differ in their last parameter only are joined by a thin line. Samplers that lie
    so far away that the others would be squeezed are named at the edge. Labels are placed last, so
    give the axes their final size first.
    """
    points, outside = _split(_points(run))
    lines = []
    for chain in _chains([label for label in points if label != HUMAN]):
        places = [(points[label][0].value, points[label][1].value) for label in chain]
        lines.append(places)
        color = look(chain[-1]).color
        belongs(ax.plot(*zip(*places, strict=True), color=color, linewidth=1, alpha=0.55), chain)
    for label, (x, y) in points.items():
        lines += [[(x.low, y.value), (x.high, y.value)], [(x.value, y.low), (x.value, y.high)]]
        if label == HUMAN:
            pale = BAND | {"alpha": 0.07}
            belongs([ax.axvspan(x.low, x.high, **pale), ax.axhspan(y.low, y.high, **pale)], [HUMAN])
            star: dict[str, Any] = {"color": INK, "markersize": 17, "markeredgewidth": 1}
            belongs(ax.plot(x.value, y.value, marker="*", zorder=5, **star), [HUMAN])
        else:
            xerr, yerr = reach(x.low, x.value, x.high), reach(y.low, y.value, y.high)
            size: dict[str, Any] = {"markersize": 7, "markeredgewidth": 0.8, "elinewidth": 1.1}
            line, caps, bars = ax.errorbar(
                x.value, y.value, yerr, xerr, **look(label).line, **size, zorder=4
            )
            belongs([line, *caps, *bars], [label])
        name = run.reference + " text" if label == HUMAN else label
        words = f"{name}: {run.info(QUALITY).long} {x.value:.3g}, {run.info(DIVERSITY).long}"
        value_mark(ax, x.value, y.value, [label], f"{words} {y.value:.3g}")
    ax.set(xlabel=_axis(run.info(QUALITY)), ylabel=_axis(run.info(DIVERSITY)))
    note = f"the closer to {run.reference} text, the better; bars: 95% intervals"
    heading(ax, "Surprise and variety", note)
    ax.margins(0.09)
    ax.set(xlim=widen(*ax.get_xlim()), ylim=widen(*ax.get_ylim()))
    _point_outside(ax, outside)
    _write_labels(ax, points, lines, run.reference)
    return ax


def _points(run: Run) -> Points:
    """The samplers that have both metrics, and human text."""
    points = {}
    for label in run.samplers:
        x, y = run.value(label, QUALITY), run.value(label, DIVERSITY)
        ranked = label == HUMAN or label not in REFERENCES
        if x and y and ranked and math.isfinite(x.value + y.value):
            points[label] = (_bounded(x), _bounded(y))
    return points


def _split(points: Points) -> tuple[Points, Points]:
    """The points that are drawn, and those that are so far away that they are only pointed at."""
    kept: Points = dict(points)
    outside: Points = {}
    for axis in (0, 1, 0, 1):
        far = far_from_all({label: both[axis].value for label, both in kept.items()})
        if 4 * (len(outside) + len(far)) < len(points):
            outside |= {label: kept.pop(label) for label in far}
    return kept, outside


def _point_outside(ax: Axes, outside: Points) -> None:
    """An arrow at the edge towards points that lie beyond it, with their places in words."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    tips: dict[tuple[float, float], list[str]] = {}
    for label, (x, y) in outside.items():
        across, up = (x.value - left) / (right - left), (y.value - bottom) / (top - bottom)
        tip = (min(max(across, 0.02), 0.98), min(max(up, 0.02), 0.98))
        tips.setdefault((round(tip[0], 1), round(tip[1], 1)), []).append(label)
    for (across, up), labels in tips.items():
        tip = (min(max(across, 0.02), 0.98), min(max(up, 0.02), 0.98))
        start = (tip[0] + 0.05 * (0.5 - tip[0]), tip[1] + 0.1 * (0.5 - tip[1]))
        color = look(labels[0]).color if len(labels) == 1 else SOFT
        arrow: dict[str, Any] = {"arrowstyle": "-|>", "color": color, "linewidth": 1.4}
        within = "axes fraction"
        ax.annotate("", tip, start, within, within, arrowprops=arrow)
        side = "right" if tip[0] > 0.5 else "left"
        end = "top" if tip[1] > 0.5 else "bottom"
        place = (start[0] + (-0.015 if side == "right" else 0.015), start[1])
        words = "\n".join(
            f"{label}, at {outside[label][0].value:.2f} and {outside[label][1].value:.2f}"
            for label in labels
        )
        size = 7.5 if is_narrow() else 8.5
        text = ax.annotate(words, place, xycoords=within, ha=side, va=end, fontsize=size, color=INK)
        text.set_path_effects([withStroke(linewidth=2.5, foreground=PAPER)])
        belongs(text, labels)


def _bounded(row: Metric) -> Metric:
    """The row with its value for an end of the interval that is not known (a single text)."""
    low, high = (end if math.isfinite(end) else row.value for end in (row.low, row.high))
    return replace(row, low=low, high=high)


def _axis(info: MetricInfo) -> str:
    if not info.ends:
        return info.long
    if is_narrow():
        return f"{info.long}\n←  {info.ends[0]}      {info.ends[1]}  →"
    return f"←  {info.ends[0]}      {info.long}      {info.ends[1]}  →"


def _chains(labels: Sequence[str]) -> list[list[str]]:
    """Labels that differ only in their last value, in its order."""
    groups: dict[str, list[tuple[float, str]]] = {}
    for label in labels:
        if split := split_last(label):
            groups.setdefault(split[0], []).append((split[1], label))
    return [[label for _, label in sorted(group)] for group in groups.values() if len(group) > 1]


def _write_labels(
    ax: Axes, points: Points, lines: Sequence[Sequence[tuple[float, float]]], reference: str
) -> None:
    few = len(points) <= FEW + 1
    if not few:
        _family_legend(ax, list(points))
    tags = []
    for label, (x, y) in points.items():
        text = label if few else _parameters(label)
        color = INK if few else look(label).text
        human = label == HUMAN
        tags.append(Tag(reference if human else text, x.value, y.value, color, bold=human))
    belongs_by_text(
        place_labels(ax, tags, lines, size=8.5 if few and not is_narrow() else 7), list(points)
    )


def _parameters(label: str) -> str:
    """The values alone, for a figure whose legend names the family."""
    return ", ".join(value for _, value in label_parts(label) if value) or label


def _family_legend(ax: Axes, labels: Sequence[str]) -> None:
    # The last sampler of a family, often the darkest, stands for it.
    families = {label_names(label): label for label in labels if label != HUMAN}
    entries = [
        (
            [Line2D([], [], linestyle="none", **look(stands).line, markersize=7.5)],
            [label for label in labels if label_names(label) == names],
            ", ".join(names),
        )
        for names, stands in families.items()
    ]
    legend = place_legend(ax, entries, title="labels: parameters", title_fontsize=8.5)
    legend.get_title().set_color(SOFT)
