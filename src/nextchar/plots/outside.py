"""Samplers so far from all others that an axis with them would squeeze the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from nextchar.plots.style import INK
from nextchar.results import HUMAN

FEWEST = 5
"""Of fewer values on an axis none counts as far away."""


def far_from_all(values: Mapping[str, float]) -> list[str]:
    """The fewest samplers at one end of an axis that lie farther from the others than these from
    each other; at most a quarter of all, and never human text.

    None where the others are all equal: there is nothing to squeeze.
    """
    ordered = sorted(values, key=lambda label: values[label])
    if len(ordered) < FEWEST:
        return []
    for count in range(1, (len(ordered) - 1) // 4 + 1):
        for gone, rest, last in (
            (ordered[:count], ordered[count:], ordered[count - 1]),
            (ordered[-count:], ordered[:-count], ordered[-count]),
        ):
            left = values[rest[-1]] - values[rest[0]]
            gap = min(abs(values[last] - values[end]) for end in (rest[0], rest[-1]))
            if HUMAN not in gone and 1e-3 * gap < left < gap:
                return gone
    return []


def point_beyond(
    ax: Axes, value: float, place: float, color: str, words: str
) -> tuple[float, Sequence[Artist]]:
    """An arrow at the edge of the axes, whose limits are final, and the value beyond in words.

    Returns where the edge is, and what is drawn.
    """
    low, high = ax.get_xlim()
    beyond = value > high
    edge, marker = (high, ">") if beyond else (low, "<")
    (arrow,) = ax.plot(edge, place, marker, color=color, clip_on=False)
    offset, side = ((-7, 0), "right") if beyond else ((7, 0), "left")
    text = ax.annotate(
        words,
        (edge, place),
        offset,
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=7.5,
        color=INK,
    )
    return edge, (arrow, text)
