"""Intervals of counts that no resample can move: 0 of 64 texts, or all of them.

The bootstrap gives 0 ± 0 there, which says more than 64 texts can. The exact binomial interval
(Clopper & Pearson 1934) ends where as few texts would still be seen 2.5% of the time:

    0 of n: [0, 1 - 0.025^(1/n)]        n of n: [0.025^(1/n), 1]

metrics.csv keeps the ends of the bootstrap; what people are shown has these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nextchar.results.schema import REFERENCES, Metric

TAIL = 0.025
"""On either side of a 95% interval."""


def with_exact_ends(
    rows: Sequence[Metric], texts: Mapping[str, int], seeds: int = 1
) -> list[Metric]:
    """The rows, with the exact end where one counts texts and found none or all of them.

    `texts` are those of each sampler and seed; references have the same in each seed.
    """
    return [
        _exact(row, n if row.sampler in REFERENCES else n * seeds)
        if (n := texts.get(row.sampler, 0)) and _is_degenerate(row, n * seeds)
        else row
        for row in rows
    ]


def _is_degenerate(row: Metric, texts: int) -> bool:
    """A share of texts; other shares, of words or characters, are no independent draws."""
    return row.unit == "share" and row.n == texts and row.value in (0, 1) and row.low == row.high


def _exact(row: Metric, n: int) -> Metric:
    end: float = TAIL ** (1 / n)
    return replace(row, high=1 - end) if row.value == 0 else replace(row, low=end)
