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
    return [distinct(words, n) for words in texts.words]


for _n in (1, 2, 3, 4):
    _units = "words" if _n == 1 else f"runs of {_n} words"
    metric(
        f"distinct_{_n}",
        unit="ratio",
        short=f"dist-{_n}",
        long=f"distinct-{_n}",
        description=f"Different {_units} over all {_units} of a text, averaged over a sampler's "
        "texts: 1 never repeats.",
        ends=("repetitive", "varied"),
        group=GENERATED,
        headline=_n <= 2,
    )(partial(_distinct_words, n=_n))


@metric(
    "loops",
    unit="share",
    long="looping texts",
    description="Share of the texts that end by repeating the same characters over and over.",
    ends=("none", "all"),
    group=GENERATED,
    headline=True,
)
def loops(texts: GeneratedTexts) -> list[bool]:
    return [ends_in_loop(text) for text in texts.texts]


def _repeated(tokens: Iterable[Sequence[str]], n: int) -> list[float | None]:
    """The share of n-grams that the text has already had: 1 - distinct-n (Welleck et al. 2019)."""
    shares = [distinct(own, n) for own in tokens]
    return [None if share is None else 1 - share for share in shares]


@metric(
    "seq_rep_4",
    level="full",
    unit="share",
    short="rep-4\nwords",
    long="seq-rep-4",
    description="Share of a text's runs of 4 words that it has already had: 1 less distinct-4.",
    ends=("never repeats", "repetitive"),
    group=COPYING,
)
def seq_rep_4(texts: GeneratedTexts) -> list[float | None]:
    return _repeated(texts.words, 4)


@metric(
    "seq_rep_16",
    level="full",
    unit="share",
    short="rep-16\nchars",
    long="seq-rep-16, characters",
    description="Share of a text's runs of 16 characters that it has already had.",
    ends=("never repeats", "repetitive"),
    group=COPYING,
)
def seq_rep_16(texts: GeneratedTexts) -> list[float | None]:
    return _repeated(map(list, texts.texts), 16)
