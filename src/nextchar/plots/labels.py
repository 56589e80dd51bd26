"""Labels beside points, without overlaps: a small deterministic search, nearest place first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from nextchar.plots.style import INK, PAPER, SOFT

Box = tuple[float, float, float, float]
"""Left, bottom, right, top in pixels."""

_FAR = (7, 11, 16, 22, 30, 40, 52, 66, 82)
"""Distances from a point to its label, in points; best first."""
_ANGLES = (0, 180, 90, 270, 45, 315, 135, 225, 22, 158, 338, 202, 68, 112, 292, 248)
_LEADER = 15.0
"""Distance from which on a thin line leads from the point to its label."""


@dataclass(frozen=True)
class Tag:
    """A text that belongs to the point (x, y), in data coordinates."""

    text: str
    x: float
    y: float
    color: str = INK
    bold: bool = False


def place_labels(
    ax: Axes,
    tags: Sequence[Tag],
    obstacles: Sequence[Box] = (),
    lines: Sequence[Sequence[tuple[float, float]]] = (),
    size: float = 8.5,
) -> list[Box]:
    """Write each tag where it covers no point, label, obstacle or line, and return their boxes.

    Call it when limits and layout are final: places are found in pixels, and so are `obstacles`
    and `lines` (polylines). Where nothing is free the least covering place is taken: no label is
    ever left out.
    """
    figure = ax.figure
    assert isinstance(figure, Figure)
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]  # matplotlib leaves it untyped
    point = figure.dpi / 72
    spots = [
        (float(x), float(y)) for x, y in map(ax.transData.transform, [(t.x, t.y) for t in tags])
    ]
    marker = 4.5 * point
    fixed = [(x - marker, y - marker, x + marker, y + marker) for x, y in spots]
    fixed += obstacles
    fixed += [bead for line in lines for bead in _beads(line, 2 * point)]
    taken, leaders = np.array(fixed), np.empty((0, 4))
    window: Box = ax.get_window_extent(renderer).extents
    placed: dict[int, Box] = {}
    for index in _crowded_first(spots):
        tag, spot = tags[index], spots[index]
        text = ax.text(
            0,
            0,
            tag.text,
            fontsize=size,
            color=tag.color,
            fontweight="bold" if tag.bold else "normal",
            ha="center",
            va="center_baseline",
            path_effects=[withStroke(linewidth=2.5, foreground=PAPER)],
            zorder=6,
        )
        extent = text.get_window_extent(renderer)
        others = np.array([*placed.values()]).reshape(-1, 4)
        best, best_cost, best_far = (0.0, 0.0, 0.0, 0.0), math.inf, 0.0
        for far in _FAR:
            for rank, angle in enumerate(_ANGLES):
                cost = 0.6 * far + 0.35 * rank
                if cost >= best_cost:
                    continue
                place = _beside(spot, extent.width, extent.height, angle, far * point)
                cost += 40 * _cover(place, others, point) + 25 * _cover(place, taken, point)
                cost += 10 * _cover(place, leaders, 0) + 400 * _outside(place, window)
                if far >= _LEADER:
                    way = np.array(_beads((spot, _nearest(place, spot)), 1))
                    cost += 6 * sum(_cover(other, way, 0) > 0 for other in placed.values())
                if cost < best_cost:
                    best, best_cost, best_far = place, cost, far
        placed[index] = best
        middle = ((best[0] + best[2]) / 2, (best[1] + best[3]) / 2)
        x, y = ax.transData.inverted().transform(middle)
        text.set_position((float(x), float(y)))
        if best_far >= _LEADER:
            ends = (spot, _nearest(best, spot))
            leaders = np.concatenate([leaders, _beads(ends, point)])
            x, y = zip(*ax.transData.inverted().transform(ends), strict=True)
            ax.plot(x, y, color=SOFT, linewidth=0.5, zorder=2.5, alpha=0.8)
    return [placed[index] for index in range(len(tags))]


def _crowded_first(spots: Sequence[tuple[float, float]]) -> list[int]:
    """Points with the nearest neighbours choose first; ties in the order given."""

    def crowd(index: int) -> float:
        return sum(1 / (25 + math.dist(spots[index], other)) for other in spots)

    return sorted(range(len(spots)), key=lambda index: (-crowd(index), index))


def _beside(spot: tuple[float, float], width: float, height: float, angle: int, far: float) -> Box:
    """A box of that size, its nearest edge `far` from `spot` in the direction `angle` (degrees)."""
    right, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    x, y = spot[0] + right * (far + width / 2), spot[1] + up * (far + height / 2)
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _nearest(box: Box, spot: tuple[float, float]) -> tuple[float, float]:
    """The point of `box` that is nearest to `spot`."""
    return min(max(spot[0], box[0]), box[2]), min(max(spot[1], box[1]), box[3])


def _beads(line: Sequence[tuple[float, float]], radius: float) -> list[Box]:
    """Small boxes along a polyline, so that a line can be an obstacle."""
    boxes = []
    for (x0, y0), (x1, y1) in pairwise(line):
        count = max(int(math.dist((x0, y0), (x1, y1)) / (4 * radius)), 1)
        for i in range(count + 1):
            x, y = x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count
            boxes.append((x - radius, y - radius, x + radius, y + radius))
    return boxes


def _cover(box: Box, others: NDArray[np.float64], margin: float) -> float:
    """How much of the others lies under `box`, each as a share of the smaller, at least 0.2."""
    if not len(others):
        return 0.0
    left, bottom, right, top = others.T
    wide = np.minimum(box[2], right) - np.maximum(box[0], left) + margin
    high = np.minimum(box[3], top) - np.maximum(box[1], bottom) + margin
    hit = (wide > 0) & (high > 0)
    if not hit.any():
        return 0.0
    areas = ((right - left) * (top - bottom))[hit]
    small = np.minimum(areas, (box[2] - box[0]) * (box[3] - box[1]))
    return float(np.clip((wide * high)[hit] / np.maximum(small, 1e-9), 0.2, 1).sum())


def _outside(box: Box, window: Box) -> float:
    """The share of `box` that lies outside `window`."""
    wide = min(box[2], window[2]) - max(box[0], window[0])
    high = min(box[3], window[3]) - max(box[1], window[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return 1 - max(wide, 0.0) * max(high, 0.0) / max(area, 1e-9)
