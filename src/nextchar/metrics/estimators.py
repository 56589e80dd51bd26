"""What every metric is made of: two sums for each cluster of observations that hang together.

A metric is sum(numerators) / sum(denominators), or 2 to that power (a perplexity). So one bootstrap
serves all of them: whole clusters are drawn again, prompts where text was generated, stretches of
the validation split where the metric is exact.

Shapes: K clusters, S resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nextchar.metrics.statistics import Floats, prompt_weights, ratio_interval
from nextchar.results import Metric, StoredSums

PROMPTS, BLOCKS = "prompts", "blocks"
"""What a cluster is: the texts after one prompt, or one stretch of the validation split."""


@dataclass(frozen=True, eq=False)
class RatioEstimator:
    """One metric of one sampler: numerators and denominators [K], of clusters of one kind.

    `n` counts what the metric pools; by default the denominators do. `exponential` makes the value
    2 to the power of the ratio.
    """

    sampler: str
    metric: str
    unit: str
    numerators: Floats
    denominators: Floats
    clusters: str = PROMPTS
    n: int | None = None
    exponential: bool = False

    @property
    def value(self) -> float:
        """The metric; NaN where nothing was there to be measured."""
        under = float(self.denominators.sum())
        return self._scale(float(self.numerators.sum()) / under) if under else float("nan")

    def resampled(self, weights: Floats) -> Floats:
        """The metric in each resample, [S]; NaN in one that holds nothing to be measured."""
        under = weights @ self.denominators
        over = weights @ self.numerators
        ratios = np.full(len(over), np.nan)
        np.divide(over, under, out=ratios, where=under > 0)
        return np.exp2(ratios) if self.exponential else ratios

    def figure(self, weights: Floats) -> Metric:
        """The row of metrics.csv, with the 95% percentile interval of the resamples."""
        ends = ratio_interval(self.numerators, self.denominators, weights)
        value, low, high = (self._scale(end) for end in ends)
        n = round(float(self.denominators.sum())) if self.n is None else self.n
        return Metric(self.sampler, self.metric, value, low, high, n, self.unit)

    def _scale(self, ratio: float) -> float:
        return float(2.0**ratio if self.exponential else ratio)


def clustered(values: ArrayLike, clusters: Sequence[int], count: int) -> Floats:
    """Values summed by cluster, [K]."""
    return np.bincount(clusters, np.asarray(values, dtype=float), minlength=count).astype(float)


def cluster_weights(sizes: Mapping[str, int], resamples: int, seed: int) -> Mapping[str, Floats]:
    """Of each kind of cluster, K of them, resamples [S, K]: the same for every sampler, metric."""
    return {kind: prompt_weights(size, resamples, seed) for kind, size in sizes.items()}


def figures(sums: Sequence[RatioEstimator], weights: Mapping[str, Floats]) -> list[Metric]:
    """The rows of metrics.csv, without what could not be measured."""
    return [each.figure(weights[each.clusters]) for each in sums if not np.isnan(each.value)]


def stored(sums: RatioEstimator) -> StoredSums:
    """As text that reads back to the same bits."""
    return StoredSums(
        sums.sampler,
        sums.metric,
        sums.unit,
        sums.clusters,
        int(sums.exponential),
        -1 if sums.n is None else sums.n,
        " ".join(map(repr, sums.numerators.tolist())),
        " ".join(map(repr, sums.denominators.tolist())),
    )


def restored(row: StoredSums) -> RatioEstimator:
    """What `stored` was given."""
    return RatioEstimator(
        row.sampler,
        row.metric,
        row.unit,
        np.array(row.numerators.split(), dtype=float),
        np.array(row.denominators.split(), dtype=float),
        row.clusters,
        None if row.n < 0 else row.n,
        bool(row.exponential),
    )
