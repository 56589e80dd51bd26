"""Whether the text looks like a play: lines, and the headings that name who speaks.

A heading is a line that ends in a colon and follows an empty line, as in

    ROMEO:
    But soft, what light

Only lines with a newline before and after are counted: those at the edges may be cut.
"""

from __future__ import annotations

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


@metric(
    "line_length",
    level="full",
    unit="characters",
    short="line\nlength",
    long="line length",
    description="Characters in a line, of those lines that are whole and not empty.",
    ends=("short", "long"),
    group=LAYOUT,
)
def line_length(texts: GeneratedTexts) -> Counts:
    filled = [_filled(text) for text in texts.texts]
    return [sum(map(len, own)) for own in filled], [len(own) for own in filled]


@metric(
    "speaker_lines",
    level="full",
    unit="share",
    short="speaker\nlines",
    long="speaker lines",
    description="Share of the lines that name a speaker: after an empty line, with a colon.",
    ends=("none", "all"),
    group=LAYOUT,
)
def speaker_lines(texts: GeneratedTexts) -> Counts:
    named = [len(headings(text)) for text in texts.texts]
    return named, [len(_filled(text)) for text in texts.texts]


@metric(
    "known_speakers",
    level="full",
    unit="share",
    short="known\nspeakers",
    long="known speakers",
    description="Share of the named speakers who speak in the training text.",
    ends=("invented", "known"),
    group=LAYOUT,
)
def known_speakers(texts: GeneratedTexts) -> Counts:
    known = texts.reference.derived(_training_speakers)
    named = [headings(text) for text in texts.texts]
    return [sum(name in known for name in own) for own in named], [len(own) for own in named]
