"""What every metric is made of: two sums for each cluster of dependent observations.

A metric is sum(numerators) / sum(denominators), or 2 to that power (a perplexity). So one bootstrap
serves all of them: whole clusters are resampled, prompts where text was generated, stretches of the
validation split where the metric is exact.

Shapes: K clusters, S resamples, R texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from nextchar.results import Metric
from nextchar.runtime import files

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

PROMPTS, BLOCKS = "prompts", "blocks"
"""What a cluster is: the texts after one prompt, or one stretch of the validation split."""

CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class RatioEstimator:
    """One metric of one sampler: numerators and denominators [K], of clusters of one kind.

    `exponential` makes the value 2 to the power of the ratio.
    """

    sampler: str
    metric: str
    unit: str
    numerators: Floats
    denominators: Floats
    clusters: str = PROMPTS
    exponential: bool = False

    @property
    def value(self) -> float:
        """The metric; NaN where there is nothing to measure."""
        total = float(self.denominators.sum())
        return self._scale(float(self.numerators.sum()) / total) if total else float("nan")

    @property
    def n(self) -> int:
        """How many units the metric pools."""
        return round(float(self.denominators.sum()))

    def resampled(self, weights: Floats) -> Floats:
        """The metric in each resample, [S]; NaN in one that holds nothing to measure."""
        denominators = weights @ self.denominators
        numerators = weights @ self.numerators
        ratios = np.full(len(numerators), np.nan)
        np.divide(numerators, denominators, out=ratios, where=denominators > 0)
        return np.exp2(ratios) if self.exponential else ratios

    def figure(self, weights: Floats) -> Metric:
        """The row of metrics.csv, with the 95% percentile interval of the resamples."""
        ends = ratio_interval(self.numerators, self.denominators, weights)
        value, low, high = (self._scale(end) for end in ends)
        return Metric(self.sampler, self.metric, value, low, high, self.n, self.unit)

    def _scale(self, ratio: float) -> float:
        return float(2.0**ratio if self.exponential else ratio)


def clustered(values: ArrayLike, clusters: ArrayLike, count: int) -> Floats:
    """Values summed by cluster, [K]; `clusters` says which cluster each value belongs to."""
    return np.bincount(clusters, np.asarray(values, dtype=float), minlength=count).astype(float)


def resample_weights(clusters: int, resamples: int, seed: int) -> Floats:
    """How often each cluster is drawn in each resample, [S, K]: K draws with replacement."""
    generator = np.random.default_rng((seed, clusters, resamples))
    return generator.multinomial(clusters, np.full(clusters, 1 / clusters), resamples).astype(float)


def cluster_weights(sizes: Mapping[str, int], resamples: int, seed: int) -> Mapping[str, Floats]:
    """Resamples [S, K] for each kind of cluster, the same for every sampler and metric."""
    return {kind: resample_weights(size, resamples, seed) for kind, size in sizes.items()}


def ratio_interval(
    numerators: Floats, denominators: Floats, weights: Floats
) -> tuple[float, float, float]:
    """sum(numerators) / sum(denominators) over clusters [K], and its 95% percentile interval.

    Texts after one prompt are alike, so whole prompts are resampled (the cluster bootstrap; Davison
    & Hinkley 1997, section 3.8), with `weights` [S, K]. Resamples whose denominator is zero are
    left out; NaN where all are.
    """
    if denominators.sum() == 0:
        return np.nan, np.nan, np.nan
    value = float(numerators.sum() / denominators.sum())
    above, below = weights @ numerators, weights @ denominators
    ratios = above[below > 0] / below[below > 0]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ratios, (tail, 1 - tail))
    return value, float(low), float(high)


def pseudo_values(value: float, without: Floats) -> Floats:
    """Jackknife pseudo-values [R] (Tukey 1958), from the value of a set of R texts and the values
    `without` [R] each of them:

        R value - (R - 1) without_i

    centred on the value (so they keep the bias that the jackknife estimates, as every row does),
    and then resampled as if they were values of the texts.
    """
    if len(without) < 2:
        return np.full(len(without), value)
    pseudo = value - (len(without) - 1) * without
    centred: Floats = pseudo - pseudo.mean() + value
    return centred


def figures(sums: Sequence[RatioEstimator], weights: Mapping[str, Floats]) -> list[Metric]:
    """The rows of metrics.csv, without what could not be measured."""
    return [each.figure(weights[each.clusters]) for each in sums if not np.isnan(each.value)]


_SCALARS = ("sampler", "metric", "unit", "clusters", "exponential")
_ARRAYS = ("numerators", "denominators")


def write_sums(path: Path, sums: Sequence[RatioEstimator]) -> None:
    """Write sums.npz: a column for each field, numerators and denominators end to end."""
    columns: dict[str, Any] = {name: [getattr(each, name) for each in sums] for name in _SCALARS}
    for name in _ARRAYS:
        columns[name] = np.concatenate([getattr(each, name) for each in sums])
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        # A zip archive made by NumPy has no times in it: equal sums are equal bytes.
        np.savez(file, sizes=[len(each.numerators) for each in sums], **columns)


def read_sums(path: Path) -> list[RatioEstimator]:
    """Read sums.npz, to the same bits."""
    with np.load(path, allow_pickle=False) as stored:
        ends = np.cumsum(stored["sizes"])[:-1]
        columns = {name: stored[name].tolist() for name in _SCALARS}
        columns |= {name: np.split(stored[name], ends) for name in _ARRAYS}
    rows = zip(*columns.values(), strict=True)
    return [RatioEstimator(**dict(zip(columns, row, strict=True))) for row in rows]
