"""Which samplers are closest to human text on each metric, and how surely: the one source of what
the page's first lines, every table's marks and the README say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nextchar.results import HUMAN, REFERENCES, Difference, Metric

LEVEL = 0.05
"""Two samplers are distinguished where the p of their difference, corrected by Holm, is below."""


@dataclass(frozen=True)
class Standing:
    """The order of the samplers on one metric.

    `closest` to human text: one sampler, or several at the same distance. `tied`: those whose
    distance can't be distinguished from theirs; `farther`: how many can. `farthest`: the one that
    is distinguished from all others, or None. `apart`: even the closest differs from human text.
    Of all `pairs` of samplers, `indistinguishable_pairs` don't differ in their values either.
    Without differences nothing is distinguished, and there are no pairs.
    """

    metric: str
    closest: tuple[str, ...]
    tied: tuple[str, ...]
    farther: int
    farthest: str | None
    apart: bool
    indistinguishable_pairs: int
    pairs: int

    @property
    def samplers(self) -> int:
        """How many samplers are compared."""
        return len(self.closest) + len(self.tied) + self.farther

    @property
    def leader(self) -> str | None:
        """The sampler that is closest to human text and distinguished from all others, or None;
        also None where even that one differs from human text."""
        alone = self.pairs and not self.apart and len(self.closest) == 1 and not self.tied
        return self.closest[0] if alone else None

    @property
    def marked(self) -> tuple[str, ...]:
        """Who is marked in a table: the closest and those tied with it, where they are at most half
        of the samplers and don't differ from human text."""
        near = (*self.closest, *self.tied)
        clear = self.pairs and not self.apart and 2 * len(near) <= self.samplers
        return near if clear else ()


def standings(metrics: Sequence[Metric], differences: Sequence[Difference]) -> list[Standing]:
    """Every metric that human text has too, and on which several samplers are compared."""
    by_metric: dict[str, list[Metric]] = {}
    for row in metrics:
        by_metric.setdefault(row.metric, []).append(row)
    compared: dict[str, list[Difference]] = {}
    for pair in differences:
        if not math.isnan(pair.nearer):
            compared.setdefault(pair.metric, []).append(pair)
    return [
        _standing(metric, rows, best, compared.get(metric, []))
        for metric, rows in by_metric.items()
        if (best := closest(rows))
    ]


def _standing(
    metric: str, rows: Sequence[Metric], best: Sequence[str], pairs: Sequence[Difference]
) -> Standing:
    labels = dict.fromkeys(label for pair in pairs for label in (pair.first, pair.second))
    distinguished = {
        frozenset((pair.first, pair.second)) for pair in pairs if pair.nearer_holm < LEVEL
    }
    own = {row.sampler: row for row in rows}
    human = own[HUMAN]
    others = [label for label in labels if label not in best]
    tied = [
        label
        for label in others
        if any(frozenset((label, one)) not in distinguished for one in best)
    ]
    far = max(others, key=lambda label: abs(own[label].value - human.value), default=None)
    return Standing(
        metric=metric,
        closest=tuple(best),
        tied=tuple(tied),
        farther=len(others) - len(tied),
        farthest=far if far and _is_apart_from_all(far, labels, distinguished) else None,
        apart=all(_differ(own[label], human) for label in best),
        indistinguishable_pairs=sum(not pair.holm < LEVEL for pair in pairs),
        pairs=len(pairs),
    )


def closest(rows: Sequence[Metric]) -> list[str]:
    """Samplers whose value is closest to that of human text, among rows of one metric.

    Several where they are equally close; none without human text, or with fewer than two samplers
    to compare.
    """
    human = [row.value for row in rows if row.sampler == HUMAN and math.isfinite(row.value)]
    others = [row for row in rows if row.sampler not in REFERENCES and math.isfinite(row.value)]
    if not human or len(others) < 2:
        return []
    distances = {row.sampler: abs(row.value - human[0]) for row in others}
    least = min(distances.values())
    # Equal values may be sums in another order; 1e-9 is far below any printed digit.
    return [label for label, far in distances.items() if far <= least + 1e-9 * (1 + least)]


def _is_apart_from_all(
    label: str, labels: dict[str, None], distinguished: set[frozenset[str]]
) -> bool:
    return all(frozenset((label, each)) in distinguished for each in labels if each != label)


def _differ(one: Metric, other: Metric) -> bool:
    """Whether two figures differ by more than the root of the sum of their squared half-widths, on
    the sides where they face each other: both have 95% intervals, taken as independent."""
    low, high = sorted((one, other), key=lambda row: row.value)
    reach = math.hypot(high.value - high.low, low.high - low.value)
    return high.value - low.value > reach + 1e-9
