"""Sets of texts: what depends on the number of texts is measured of one text after each prompt.

A set is the first texts of all prompts, the second ones, and so on; the metric is the mean over the
sets, and each text enters with a value of its own. Shapes: R texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nextchar.metrics.statistics import Floats

Term = tuple[str, str, Sequence[float], Sequence[float]]
"""A metric, its unit, and a numerator and a denominator for each text."""


def mean(name: str, unit: str, values: Sequence[float | None]) -> Term:
    """The mean over the texts that have a value."""
    known = [value is not None and not np.isnan(value) for value in values]
    over = [float(value or 0) if there else 0.0 for value, there in zip(values, known, strict=True)]
    return name, unit, over, [float(there) for there in known]


def by_set(
    prompts: Sequence[int],
    items: Sequence[Any],
    of: Callable[..., Sequence[float | None] | Floats],
) -> list[float | None]:
    """`of` the items [R] of each set, in the order of the texts; `prompts` [R] are theirs."""
    values: list[float | None] = [None] * len(items)
    for members in divide(prompts):
        for index, value in zip(members, of([items[i] for i in members]), strict=True):
            values[index] = value
    return values


def divide(prompts: Sequence[int]) -> list[list[int]]:
    """Indices of the first text of each prompt, of the second one of each, ..."""
    seen: dict[int, int] = {}
    sets: list[list[int]] = []
    for index, prompt in enumerate(prompts):
        number = seen.get(prompt, 0)
        seen[prompt] = number + 1
        if number == len(sets):
            sets.append([])
        sets[number].append(index)
    return sets
