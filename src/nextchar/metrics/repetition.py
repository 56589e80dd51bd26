"""Whether a text repeats itself: distinct words, repeated phrases, loops at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from nextchar.metrics.catalog import COPYING, GENERATED, metric
from nextchar.metrics.texts import GeneratedTexts

LOOP_CHARACTERS = 24
"""The shortest stretch that counts as a loop: twice three words of four characters."""


def distinct(tokens: Sequence[str], n: int) -> float | None:
    """Distinct n-grams over all n-grams (Li et al. 2016, 1510.03055); None where there are none."""
    grams = list(zip(*(tokens[i:] for i in range(n)), strict=False))
    return len(set(grams)) / len(grams) if grams else None


def ends_in_loop(text: str) -> bool:
    """Whether the text ends in a phrase that is there at least twice in a row.

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


def _distinct_words(texts: GeneratedTexts, n: int) -> list[float | None]:
    """Different word {n}-grams over all word {n}-grams of a text, averaged over a sampler's texts:
    1 never repeats."""
    return [distinct(words, n) for words in texts.words]


_generated = partial(metric, group=GENERATED)
_distinct = partial(
    _generated, "distinct_{n}", "ratio", "dist-{n}", "distinct-{n}", ("repetitive", "varied")
)
_distinct(n=(1, 2), headline=True)(_distinct_words)
_distinct(n=(3, 4))(_distinct_words)


@_generated("loops", "share", "", "looping texts", ("none", "all"), headline=True)
def loops(texts: GeneratedTexts) -> list[bool]:
    """Share of the texts that end by repeating the same characters over and over."""
    return [ends_in_loop(text) for text in texts.texts]


_repetition = partial(metric, ends=("never repeats", "repetitive"), level="full", group=COPYING)


@_repetition("seq_rep_4", "share", "rep-4\nwords", "seq-rep-4")
def seq_rep_4(texts: GeneratedTexts) -> list[float | None]:
    """Share of a text's runs of 4 words that it has already had: 1 less distinct-4.

    Welleck et al. 2019.
    """
    return _repeated(texts.words, 4)


@_repetition("seq_rep_16", "share", "rep-16\nchars", "seq-rep-16, characters")
def seq_rep_16(texts: GeneratedTexts) -> list[float | None]:
    """Share of a text's runs of 16 characters that it has already had."""
    return _repeated(texts.texts, 16)


def _repeated(tokens: Iterable[Sequence[str]], n: int) -> list[float | None]:
    shares = [distinct(own, n) for own in tokens]
    return [None if share is None else 1 - share for share in shares]
