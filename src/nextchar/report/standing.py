"""Which samplers are closest to human text on each metric, and which are tied with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nextchar.report.table import closest
from nextchar.results import Difference, Metric

LEVEL = 0.05
"""Two samplers are distinguished where the p of their difference, corrected by Holm, is below."""


@dataclass(frozen=True)
class Standing:
    """The order of the samplers on one metric.

    `closest` to human text: one sampler, or several at the same distance. `tied`: those whose
    distance can't be distinguished from theirs; `farther`: how many can. Of all `pairs` of
    samplers, `indistinguishable_pairs` don't differ in their values either. Without differences
    nobody is tied, and there are no pairs.
    """

    metric: str
    closest: tuple[str, ...]
    tied: tuple[str, ...]
    farther: int
    indistinguishable_pairs: int
    pairs: int

    @property
    def samplers(self) -> int:
        """How many samplers are compared."""
        return len(self.closest) + len(self.tied) + self.farther


def standings(metrics: Sequence[Metric], differences: Sequence[Difference]) -> list[Standing]:
    """Every metric that human text has too, and on which several samplers are compared."""
    found = []
    for metric in dict.fromkeys(row.metric for row in metrics):
        best = closest([row for row in metrics if row.metric == metric])
        if not best:
            continue
        pairs = [d for d in differences if d.metric == metric and not math.isnan(d.nearer)]
        labels = dict.fromkeys(label for pair in pairs for label in (pair.first, pair.second))
        others = [label for label in labels if label not in best]
        distinguished = {
            frozenset((pair.first, pair.second)) for pair in pairs if not pair.nearer_holm >= LEVEL
        }
        tied = [
            label
            for label in others
            if any(frozenset((label, one)) not in distinguished for one in best)
        ]
        alike = sum(pair.holm >= LEVEL for pair in pairs)
        farther = len(others) - len(tied)
        found.append(Standing(metric, tuple(best), tuple(tied), farther, alike, len(pairs)))
    return found
