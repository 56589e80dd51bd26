"""What of a figure belongs to which samplers, for pages to highlight it and tell values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from html import escape, unescape

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from nextchar.results import Metric


def belongs(artists: Artist | Iterable[Artist], samplers: Sequence[str], words: str = "") -> None:
    """Mark what is drawn of these samplers, and what is said of it where it is pointed at."""
    for artist in [artists] if isinstance(artists, Artist) else artists:
        artist.set_gid(json.dumps([list(samplers), words]))


def value_mark(ax: Axes, x: float, y: float, samplers: Sequence[str], words: str) -> None:
    """An unseen mark over a value that is drawn at (x, y), large enough to be pointed at."""
    (mark,) = ax.plot(x, y, "o", color="black", markersize=8, markeredgewidth=0, alpha=0)
    belongs(mark, samplers, words)


def belongs_by_text(texts: Iterable[Artist], samplers: Sequence[str]) -> None:
    """Mark the labels of the samplers, which are in the same order."""
    for text, sampler in zip(texts, samplers, strict=True):
        belongs(text, [sampler])


def value_words(label: str, row: Metric) -> str:
    """`top_k=5: 2.31 (2.2 to 2.43) bits`, of what is known."""
    known = math.isfinite(row.low + row.high)
    interval = f" ({row.low:.3g} to {row.high:.3g})" if known else ""
    # In units that matter a rounding error is zero.
    return f"{label}: {round(row.value, 12) + 0.0:.3g}{interval} {row.unit}".rstrip()


def write_marks(svg: str) -> str:
    """The SVG with each mark as a group whose `data-samplers` is a JSON array and whose title is
    the words; matplotlib knows ids alone."""

    def group(found: re.Match[str]) -> str:
        samplers, words = json.loads(unescape(found[2]))
        title = f"<title>{escape(words)}</title>" if words else ""
        return f'<g data-samplers="{escape(json.dumps(samplers))}">{title}'

    return re.sub(r"""<g id=(["'])(\[\[.*?\])\1>""", group, svg)
