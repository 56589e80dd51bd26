"""What the texts take from the training text: its words, and whole passages.

A suffix array holds the training text and all texts. The longest match of a suffix among those of
the training text is with the nearest of them above or below it; the common prefix with that one is
the least of the neighbours' common prefixes between them (Manber & Myers 1993). Linear in the
characters, whatever the length of the matches. Shapes: N characters of the training text, R texts,
L characters of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pydivsufsort
from numpy.typing import NDArray

from nextchar.metrics.catalog import COPYING, GENERATED, metric
from nextchar.metrics.estimators import Integers
from nextchar.metrics.texts import WORD, GeneratedTexts, ReferenceTexts, words

Counts = tuple[list[int], list[int]]

_words = partial(metric, group=GENERATED, headline=True)
_passages = partial(metric, group=COPYING, level="full")


def whole_words(text: str) -> list[str]:
    """The words that don't touch an edge of the text, where they may have been cut."""
    return [
        match.group().lower()
        for match in WORD.finditer(text)
        if match.start() > 0 and match.end() < len(text)
    ]


def _training_words(reference: ReferenceTexts) -> frozenset[str]:
    reference.require_words()
    return frozenset(words(reference.corpus.train_text))


@_words("unknown_words", "share", "unknown\nwords", "unknown words", ("none", "many"))
def unknown_words(texts: GeneratedTexts) -> Counts:
    """Share of the words that never occur in the training text."""
    known = texts.reference.derived(_training_words)
    whole = [whole_words(text) for text in texts.texts]
    return [sum(word not in known for word in own) for own in whole], [len(own) for own in whole]


@_passages(
    "novel_{n}", "share", "novel\n{n}", "novel {n}-grams", ("copied", "new"), n=(4, 8, 16, 32)
)
def novel(texts: GeneratedTexts, n: int) -> tuple[Integers, Integers] | None:
    """Share of the character {n}-grams that are not in the training text."""
    if texts.matches is None:
        return None
    grams = max(texts.length - n + 1, 0)
    return (texts.matches[:, :grams] < n).sum(1), np.full(len(texts.ids), grams)


@_passages(
    "longest_copy", "characters", "longest\ncopy", "longest copied passage", ("original", "copied")
)
def longest_copy(texts: GeneratedTexts) -> Integers | None:
    """Characters of the longest passage of a text that is in the training text, averaged over
    texts."""
    return None if texts.matches is None else texts.matches.max(1)


def with_matches(written: Sequence[GeneratedTexts], train: Integers) -> list[GeneratedTexts]:
    """The same texts with their matches in the training text [N], from one suffix array of all."""
    found = iter(longest_matches(train, [ids for texts in written for ids in texts.ids]))
    return [replace(texts, matches=np.stack([next(found) for _ in texts.ids])) for texts in written]


def longest_matches(train: Integers, texts: Sequence[Integers]) -> list[Integers]:
    """For each text [L] the length [L] of the longest passage from each of its characters on,
    inside the text, that is somewhere in the training text [N]."""
    # 0 ends a text and 1 the training text, so that no match runs over an end.
    parts = [train + 2, [1], *(part for ids in texts for part in (ids + 2, [0]))]
    codes = np.concatenate(parts)
    codes = codes.astype(np.min_scalar_type(codes.max()))
    suffixes = pydivsufsort.divsufsort(codes)
    common = pydivsufsort.kasai(codes, suffixes).astype(np.int64)  # [i]: of suffixes i and i + 1
    trained = suffixes < len(train)
    above = np.concatenate(([0], common[:-1]))
    longest = np.maximum(_since(trained, above), _since(trained[::-1], common[::-1])[::-1])
    by_place = np.empty(len(codes), dtype=np.int64)
    by_place[suffixes] = longest
    starts = np.cumsum([len(train) + 1, *(len(ids) + 1 for ids in texts[:-1])])
    return [by_place[start : start + len(ids)] for start, ids in zip(starts, texts, strict=False)]


def _since(trained: NDArray[np.bool_], common: Integers) -> Integers:
    """For each suffix the least of `common` (with the one before it) since the last trained one."""
    parts: Integers = np.cumsum(trained) - trained  # a trained suffix closes its part
    # A later part lies below every earlier one, so that one running minimum serves all.
    room = int(common.max(initial=0)) + 1
    least = np.minimum.accumulate(common - parts * room) + parts * room
    return np.where(parts > 0, least, 0)
