"""Whether the text looks like a play: lines, and the headings that name who speaks.

A heading is a line that ends in a colon and follows an empty line, as in

    ROMEO:
    But soft, what light

Only lines with a newline before and after are counted: those at the edges may be cut.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from nextchar.metrics.catalog import LAYOUT, metric
from nextchar.metrics.texts import GeneratedTexts, ReferenceTexts

Counts = tuple[list[int], list[int]]


def lines(text: str) -> list[str]:
    """The whole lines of a text, empty ones too."""
    return text.split("\n")[1:-1]


def headings(text: str) -> list[str]:
    """The speakers named by the text's headings, without the colon."""
    return [
        line[:-1]
        for before, line in pairwise(lines(text))
        if before == "" and len(line) > 1 and line.endswith(":")
    ]


def _training_speakers(reference: ReferenceTexts) -> frozenset[str]:
    return frozenset(headings(reference.corpus.train_text))


def _filled(text: str) -> list[str]:
    return [line for line in lines(text) if line]


_layout = partial(metric, level="full", group=LAYOUT)


@_layout("line_length", "characters", "line\nlength", "line length", ("short", "long"))
def line_length(texts: GeneratedTexts) -> Counts:
    """Characters in a line, of those lines that are whole and not empty."""
    filled = [_filled(text) for text in texts.texts]
    return [sum(map(len, own)) for own in filled], [len(own) for own in filled]


@_layout("speaker_lines", "share", "speaker\nlines", "speaker lines", ("none", "all"))
def speaker_lines(texts: GeneratedTexts) -> Counts:
    """Share of the lines that name a speaker: after an empty line, with a colon."""
    named = [len(headings(text)) for text in texts.texts]
    return named, [len(_filled(text)) for text in texts.texts]


@_layout("known_speakers", "share", "known\nspeakers", "known speakers", ("invented", "known"))
def known_speakers(texts: GeneratedTexts) -> Counts:
    """Share of the named speakers who speak in the training text."""
    known = texts.reference.derived(_training_speakers)
    named = [headings(text) for text in texts.texts]
    return [sum(name in known for name in own) for own in named], [len(own) for own in named]
