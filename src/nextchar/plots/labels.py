"""Labels beside points and rows, without overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import textalloc
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from nextchar.plots.style import INK, PAPER, SOFT, is_narrow


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
    lines: Sequence[Sequence[tuple[float, float]]] = (),
    size: float = 8.5,
) -> list[Text]:
    """Write each tag beside its point, off other points, labels and `lines`, and return the texts.

    `lines` are polylines in data coordinates. A thin line leads from a point to its label. Where
    nothing is free a label may cover something: none is left out. Call it when the limits of the
    axes are final: they stay as they are.
    """
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    x, y = [tag.x for tag in tags], [tag.y for tag in tags]
    *_, texts, _ = textalloc.allocate(
        ax,
        x,
        y,
        [tag.text for tag in tags],
        x_scatter=x,
        y_scatter=y,
        x_lines=[[point[0] for point in line] for line in lines],
        y_lines=[[point[1] for point in line] for line in lines],
        textsize=size,
        textcolor=[tag.color for tag in tags],
        fontweight=["bold" if tag.bold else "normal" for tag in tags],
        linecolor=SOFT,
        linewidth=0.5,
        path_effects=[withStroke(linewidth=2.5, foreground=PAPER)],
        zorder=6,
    )
    return [text for text in texts if isinstance(text, Text)]


def name_rows(ax: Axes, labels: Sequence[str]) -> None:
    """Write the labels at the left of rows 0, 1, ...: smaller ones where one takes two lines."""
    shown = [row_name(label) for label in labels]
    small: dict[str, Any] = {"fontsize": 7, "linespacing": 1.0} if "\n" in "".join(shown) else {}
    ax.set_yticks(range(len(labels)), shown, **small)


def row_name(label: str) -> str:
    """A label beside a row, a long one in two lines."""
    places = [index + 1 for index, sign in enumerate(label) if sign in " ,"]
    if len(label) <= (24 if is_narrow() else 38) or not places:
        return label
    middle = min(places, key=lambda place: abs(place - len(label) / 2))
    return f"{label[:middle].rstrip()}\n{label[middle:]}"
