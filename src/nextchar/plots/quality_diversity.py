"""Quality against diversity: where each sampler lands, and where human text is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from nextchar.metrics.catalog import title_of
from nextchar.plots.labels import Box, Tag, place_labels
from nextchar.plots.palette import family, look, parts
from nextchar.plots.style import INK, PAPER, SOFT, heading
from nextchar.results import HUMAN, Metric, Run

FEW = 12
"""Up to so many samplers carry their whole label; more carry their parameter, families a legend."""


def quality_diversity(
    run: Run, ax: Axes, *, quality: str = "bits_per_character", diversity: str = "distinct_1"
) -> Axes:
    """Draw each sampler at (`quality`, `diversity`) with both 95% intervals, human text as target.

    Samplers that differ in their last parameter only are joined by a thin line. Labels are placed
    last, so give the axes their final size first.
    """
    points = _points(run, quality, diversity)
    for chain in _chains([label for label in points if label != HUMAN]):
        places = [(points[label][0].value, points[label][1].value) for label in chain]
        ax.plot(*zip(*places, strict=True), color=look(chain[-1]).color, linewidth=1, alpha=0.55)
    for label, (x, y) in points.items():
        if label == HUMAN:
            _target(ax, x, y)
        else:
            _dot(ax, label, x, y)
    wide, high = title_of(quality), title_of(diversity)
    ax.set_xlabel(_axis(wide.long, wide.ends))
    ax.set_ylabel(_axis(high.long, high.ends))
    heading(
        ax, "Quality and diversity", "the nearer to human text, the better; bars: 95% intervals"
    )
    ax.margins(0.09)
    _write_labels(ax, points)
    return ax


def drawable(run: Run, quality: str = "bits_per_character", diversity: str = "distinct_1") -> bool:
    """Whether any sampler has both figures."""
    return any(label != HUMAN for label in _points(run, quality, diversity))


def _points(run: Run, quality: str, diversity: str) -> dict[str, tuple[Metric, Metric]]:
    points = {}
    for label in run.samplers:
        x, y = run.value(label, quality), run.value(label, diversity)
        if x and y and math.isfinite(x.value) and math.isfinite(y.value):
            points[label] = (_bounded(x), _bounded(y))
    return points


def _bounded(row: Metric) -> Metric:
    """The row with its value for an end of the interval that is not known (one text alone)."""
    low, high = (end if math.isfinite(end) else row.value for end in (row.low, row.high))
    return replace(row, low=low, high=high)


def _axis(name: str, ends: tuple[str, str] | None) -> str:
    return f"←  {ends[0]}      {name}      {ends[1]}  →" if ends else name


def _chains(labels: Sequence[str]) -> list[list[str]]:
    """Labels that differ in nothing but their last, numeric parameter, in its order."""
    groups: dict[tuple[object, ...], list[tuple[float, str]]] = {}
    for label in labels:
        pairs = parts(label)
        try:
            value = float(pairs[-1][1])
        except (ValueError, IndexError):
            continue
        groups.setdefault((*pairs[:-1], pairs[-1][0]), []).append((value, label))
    return [[label for _, label in sorted(group)] for group in groups.values() if len(group) > 1]


def _gaps(row: Metric) -> list[list[float]]:
    """Distances from the value to both ends of its interval, as errorbar wants them."""
    return [[max(row.value - row.low, 0.0)], [max(row.high - row.value, 0.0)]]


def _dot(ax: Axes, label: str, x: Metric, y: Metric) -> None:
    shape = look(label)
    ax.errorbar(
        x.value,
        y.value,
        xerr=_gaps(x),
        yerr=_gaps(y),
        color=shape.color,
        marker=shape.marker,
        markersize=7,
        markeredgecolor=PAPER,
        markeredgewidth=0.8,
        elinewidth=1.1,
        zorder=4,
    )


def _target(ax: Axes, x: Metric, y: Metric) -> None:
    """Human text: a dark star where its two interval bands cross."""
    ax.axvspan(x.low, x.high, color=INK, alpha=0.07, linewidth=0, zorder=0.5)
    ax.axhspan(y.low, y.high, color=INK, alpha=0.07, linewidth=0, zorder=0.5)
    ax.plot(
        [x.value],
        [y.value],
        marker="*",
        markersize=17,
        color=INK,
        markeredgecolor=PAPER,
        markeredgewidth=1,
        linestyle="none",
        zorder=5,
    )


def _write_labels(ax: Axes, points: dict[str, tuple[Metric, Metric]]) -> None:
    labels = list(points)
    few = len(labels) <= FEW + 1
    tags = [
        Tag(
            label if few or label == HUMAN else _parameter(label),
            points[label][0].value,
            points[label][1].value,
            color=INK if few else look(label).text,
            bold=label == HUMAN,
        )
        for label in labels
    ]
    if not few:
        _family_legend(ax, labels)
    figure = ax.figure
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()  # constrained layout settles: now pixels are final
    bars: list[Sequence[tuple[float, float]]] = []
    for x, y in points.values():
        crossing = ((x.low, y.value), (x.high, y.value)), ((x.value, y.low), (x.value, y.high))
        bars.extend([tuple(spot) for spot in ax.transData.transform(ends)] for ends in crossing)
    for chain in _chains([label for label in labels if label != HUMAN]):
        spots = ax.transData.transform(
            [(points[label][0].value, points[label][1].value) for label in chain]
        )
        bars += [(tuple(a), tuple(b)) for a, b in pairwise(spots)]
    place_labels(ax, tags, _star(ax, points), bars, size=8.5 if few else 7)


def _star(ax: Axes, points: dict[str, tuple[Metric, Metric]]) -> list[Box]:
    """The star is larger than a marker, and labels keep clear of it."""
    if HUMAN not in points:
        return []
    x, y = ax.transData.transform([row.value for row in points[HUMAN]])
    assert isinstance(ax.figure, Figure)
    half = 8 * ax.figure.dpi / 72
    return [(x - half, y - half, x + half, y + half)]


def _parameter(label: str) -> str:
    """The values alone, for figures whose legend names the family."""
    return ", ".join(value for _, value in parts(label) if value) or label


def _family_legend(ax: Axes, labels: Sequence[str]) -> None:
    names: dict[tuple[str, ...], str] = {}
    for label in labels:
        if label != HUMAN:
            names[family(label)] = label  # the last one, often the darkest
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=look(label).marker,
            color=look(label).color,
            markeredgecolor=PAPER,
            markersize=7.5,
            label=", ".join(keys),
        )
        for keys, label in names.items()
    ]
    legend = ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    legend.set_alignment("left")
    legend.set_title("labels: parameters", prop=FontProperties(size=8.5))
    legend.get_title().set_color(SOFT)
