"""Does it look like a play? Lines, and the headings that name who speaks.

A heading is a line that ends in a colon and follows an empty line, as in

    ROMEO:
    But soft, what light

Only lines that a newline ends and a newline precedes are counted: those at the edges may be cut.
"""

from __future__ import annotations

from itertools import pairwise


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
