"""What was copied: the longest passage of the training text that begins at each character.

One suffix array holds the training text and all texts to be examined. The longest match of a suffix
among those of the training text is with the nearest of them above or below it; the common prefix
with that one is the least of the neighbours' common prefixes on the way (Manber & Myers 1993).
Linear in the characters, whatever the length of the matches. Shapes: R texts, L characters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pydivsufsort
from numpy.typing import NDArray

Integers = NDArray[np.int64]

LENGTHS = (4, 8, 16, 32)
"""Lengths of the character n-grams whose novelty is reported."""


def matches(train_text: str, texts: Sequence[str]) -> list[Integers]:
    """For each text the length of the longest string from each of its characters on, inside the
    text, that stands somewhere in the training text."""
    codes = _codes(train_text, texts)
    suffixes = pydivsufsort.divsufsort(codes)
    common = pydivsufsort.kasai(codes, suffixes).astype(np.int64)  # [i]: of suffixes i and i + 1
    trained = suffixes < len(train_text)
    above = np.concatenate(([0], common[:-1]))
    longest = np.maximum(_since(trained, above), _since(trained[::-1], common[::-1])[::-1])
    by_place = np.empty(len(codes), dtype=np.int64)
    by_place[suffixes] = longest
    found, start = [], len(train_text) + 1
    for text in texts:
        found.append(by_place[start : start + len(text)])
        start += len(text) + 1
    return found


def novel(found: Integers, n: int) -> tuple[int, int]:
    """How many n-grams of a text are not in the training text, and how many n-grams it has."""
    grams = max(len(found) - n + 1, 0)
    return int((found[:grams] < n).sum()), grams


def _codes(train_text: str, texts: Sequence[str]) -> NDArray[np.unsignedinteger]:
    """All texts in one array of small numbers: 0 ends a text, 1 the training text, so that no match
    runs over an end."""
    joined = "\0".join((train_text, *texts, ""))
    points = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32)
    characters, numbers = np.unique(points, return_inverse=True)
    numbers = numbers + 2
    ends = np.cumsum([len(text) + 1 for text in (train_text, *texts)]) - 1
    numbers[ends] = 0
    numbers[len(train_text)] = 1
    return numbers.astype(np.min_scalar_type(len(characters) + 1))


def _since(trained: NDArray[np.bool_], common: Integers) -> Integers:
    """For each suffix the least of `common` (with the one before it) since the last trained one."""
    parts: Integers = np.cumsum(trained) - trained  # a trained suffix closes its part
    # A later part lies below every earlier one, so that one running minimum serves all.
    room = int(common.max(initial=0)) + 1
    least = np.minimum.accumulate(common - parts * room) + parts * room
    return np.where(parts > 0, least, 0)
