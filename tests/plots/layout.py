"""What a reader can't read: texts of a figure over each other or beyond the canvas."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

SLACK = 1.5
"""Pixels of 100 to the inch: boxes of texts have a little air around the letters."""


def collisions(figure: Figure) -> list[str]:
    """A line for each two texts that overlap, and for each that leaves the canvas."""
    figure.draw_without_rendering()
    boxes = [(text.get_text(), _box(text)) for text in _shown(figure)]
    width, height = figure.bbox.width, figure.bbox.height
    found = [
        f"{text!r} leaves the canvas: {box.extents.round()} of {width:.0f} x {height:.0f}"
        for text, box in boxes
        if box.x0 < -SLACK or box.y0 < -SLACK or box.x1 > width + SLACK or box.y1 > height + SLACK
    ]
    for (one, a), (other, b) in combinations(boxes, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        if wide > SLACK and high > SLACK:
            found.append(f"{one!r} and {other!r} overlap by {wide:.0f} x {high:.0f}")
    return found


def _box(text: Text) -> Bbox:
    """Of the words alone: an annotation's own extent holds its arrow, too."""
    return (
        Text.get_window_extent(text) if isinstance(text, Annotation) else text.get_window_extent()
    )


def _shown(figure: Figure) -> Iterator[Text]:
    """The texts that are drawn: not those of ticks beyond the limits."""
    beyond = set()
    for ax in figure.findobj(Axes):
        assert isinstance(ax, Axes)
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            room = 1e-9 * (high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - room <= tick.get_loc() <= high + room:
                    beyond.add(tick.label1)
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text().strip() and text not in beyond:
            yield text
