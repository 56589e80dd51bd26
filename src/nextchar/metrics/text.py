"""Metrics of a text alone: no model, no other text. Definitions and reasons: docs/methods.md."""

from __future__ import annotations

import re

import numpy as np

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
"""Letters, with apostrophes inside: don't is a word, 'tis is tis."""

LOOP_CHARACTERS = 24
"""The shortest stretch that counts as a loop: twice three words of four characters."""


def words(text: str) -> list[str]:
    """All words, in lower case."""
    return [match.group().lower() for match in WORD.finditer(text)]


def whole_words(text: str) -> list[str]:
    """The words that don't touch an edge of the text, where they may have been cut."""
    return [
        match.group().lower()
        for match in WORD.finditer(text)
        if match.start() > 0 and match.end() < len(text)
    ]


def distinct(tokens: list[str], n: int) -> float | None:
    """Distinct n-grams over all n-grams (Li et al. 2016, 1510.03055); None where there are none."""
    grams = list(zip(*(tokens[i:] for i in range(n)), strict=False))
    return len(set(grams)) / len(grams) if grams else None


def ends_in_loop(text: str) -> bool:
    """Whether the text ends in a phrase that stands there at least twice in a row.

    For some period p, the longest suffix with text[i] = text[i - p] is at least 2 p long, and at
    least LOOP_CHARACTERS: Holtzman et al. 2020 ask for two repetitions of three tokens or more.
    """
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    for period in range(1, len(codes) // 2 + 1):
        differs = np.flatnonzero(codes[period:] != codes[:-period])
        repeated = len(codes) - period - (differs[-1] + 1 if len(differs) else 0)
        if repeated + period >= max(2 * period, LOOP_CHARACTERS):
            return True
    return False
