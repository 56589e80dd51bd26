"""Labels that the figure's font can't show, and signs that matplotlib would read as a formula."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from matplotlib import font_manager
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, LogFormatterMathtext, ScalarFormatter

OWN = "DejaVu Sans"
"""The font of every figure, which comes with matplotlib."""


def make_legible(figure: Figure) -> None:
    """Show every character of the figure's texts: those that its font lacks in an installed font
    that has them all, else as their codes, `\\\\u65e5`, so that two labels never look alike.

    Ticks of logarithmic axes become plain numbers: formulas are off (see `STYLE`).
    """
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            _plain_ticks(axis)
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        _show(text)


def _plain_ticks(axis: Axis) -> None:
    for formatter, put in (
        (axis.get_major_formatter(), axis.set_major_formatter),
        (axis.get_minor_formatter(), axis.set_minor_formatter),
    ):
        if isinstance(formatter, LogFormatterMathtext):
            few = formatter.minor_thresholds
            put(LogFormatter(labelOnlyBase=formatter.labelOnlyBase, minor_thresholds=few))
    if isinstance(axis.get_major_formatter(), (ScalarFormatter, LogFormatter)):
        return  # numbers alone, whose ticks are not looked for
    labels = axis.get_ticklabels()
    lacking = _lacking("".join(label.get_text() for label in labels))
    if lacking and _font_with(lacking) is None:  # the formatter makes their texts at each drawing
        before = axis.get_major_formatter()
        axis.set_major_formatter(lambda value, at: _as_codes(before(value, int(at)), lacking))


def _show(text: Text) -> None:
    lacking = _lacking(text.get_text())
    if font := _font_with(lacking):
        text.set_fontfamily([OWN, font])
    elif lacking:
        text.set_text(_as_codes(text.get_text(), lacking))


def _lacking(text: str) -> str:
    """The characters of a text that the figures' own font does not have."""
    return "".join(sorted(set(text) - _characters(OWN) - {"\n"}))


def _as_codes(text: str, lacking: str) -> str:
    return "".join(ascii(each)[1:-1] if each in lacking else each for each in text)


@cache
def _font_with(characters: str) -> str | None:
    """An installed font that has them all; None also where there is nothing to look for."""
    if not characters:
        return None
    return next((name for name in _installed() if set(characters) <= _characters(name)), None)


def _installed() -> Iterator[str]:
    """Other fonts than the figures' own, without the one that has a box for every character."""
    names = {entry.name for entry in font_manager.fontManager.ttflist} - {OWN}
    yield from sorted(name for name in names if not name.startswith("Last Resort"))


@cache
def _characters(font: str) -> frozenset[str]:
    """What the regular face of an installed font has."""
    faces = [entry for entry in font_manager.fontManager.ttflist if entry.name == font]
    regular = min(faces, key=lambda face: (face.style != "normal", str(face.weight) != "400"))
    return frozenset(map(chr, FT2Font(regular.fname).get_charmap()))
