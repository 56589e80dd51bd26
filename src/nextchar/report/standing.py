"""Who is closest to human text on each metric, and who can't be told from the closest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nextchar.metrics.catalog import title_of
from nextchar.metrics.title import Title
from nextchar.report.table import closest
from nextchar.results import Difference, Metric

LEVEL = 0.05
"""A difference is told when its corrected p is below this."""


@dataclass(frozen=True)
class Standing:
    """One metric: the samplers closest to human text (all in a tie), those whose distance from it
    can't be told from theirs, and how many pairs of samplers can't be told apart at all."""

    metric: str
    title: Title
    closest: tuple[str, ...]
    level: tuple[str, ...]
    farther: int
    alike: int
    pairs: int

    @property
    def samplers(self) -> int:
        """How many samplers are compared."""
        return len(self.closest) + len(self.level) + self.farther


def standings(metrics: Sequence[Metric], differences: Sequence[Difference]) -> list[Standing]:
    """Every metric that human text has too, in the order of `differences`."""
    known = [row for row in differences if not math.isnan(row.nearer)]
    return [
        _standing(
            [row for row in metrics if row.metric == metric],
            [row for row in known if row.metric == metric],
        )
        for metric in dict.fromkeys(row.metric for row in known)
    ]


def _standing(rows: Sequence[Metric], pairs: Sequence[Difference]) -> Standing:
    best = closest(rows)
    others = list(dict.fromkeys(label for pair in pairs for label in (pair.first, pair.second)))
    apart = {
        frozenset((pair.first, pair.second)) for pair in pairs if not pair.nearer_holm >= LEVEL
    }
    level = [
        label
        for label in others
        if label not in best and any(frozenset((label, one)) not in apart for one in best)
    ]
    return Standing(
        metric=pairs[0].metric,
        title=title_of(pairs[0].metric),
        closest=tuple(best),
        level=tuple(level),
        farther=len(set(others) - set(best) - set(level)),
        alike=sum(pair.holm >= LEVEL for pair in pairs),
        pairs=len(pairs),
    )
