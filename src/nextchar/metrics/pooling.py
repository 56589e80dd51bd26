"""Several trainings pooled: the same prompts, continued by models from different seeds.

Clusters of pooled sums are pairs of seed and prompt. Both are resampled, crossed (the pigeonhole
bootstrap, Owen 2007, 0712.1111): the weight of a pair is the product of its seed's and its
prompt's. With n seeds a resample of them has a variance (n - 1) / n times too small, which matters
at three seeds; the distance of their weights from 1 is multiplied by sqrt(n / (n - 1)).

Shapes: n seeds, K prompts (or blocks), S resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from nextchar.metrics.differences import freedom, student
from nextchar.metrics.estimators import Floats, RatioEstimator, resample_weights
from nextchar.results import Metric


def pooled(runs: Sequence[Sequence[RatioEstimator]]) -> list[RatioEstimator]:
    """Sums over pairs of seed and cluster, [n K], of the metrics that every run has."""
    known = [{(each.sampler, each.metric): each for each in run} for run in runs]
    return [
        replace(
            each,
            numerators=np.concatenate([own[key].numerators for own in known]),
            denominators=np.concatenate([own[key].denominators for own in known]),
        )
        for key, each in (known[0].items() if known else ())
        if all(key in own for own in known)
    ]


def crossed_weights(
    sums: Sequence[RatioEstimator], seeds: int, resamples: int, seed: int
) -> Mapping[str, Floats]:
    """For each kind of cluster the weights [S, n K] of pooled sums."""
    sizes = {each.clusters: len(each.numerators) // seeds for each in sums}
    drawn = resample_weights(seeds, resamples, seed + 1)
    if seeds > 1:
        drawn = 1 + (drawn - 1) * np.sqrt(seeds / (seeds - 1))
    return {
        kind: np.einsum("sn,sk->snk", drawn, resample_weights(size, resamples, seed)).reshape(
            resamples, -1
        )
        for kind, size in sizes.items()
    }


def pooled_figures(
    sums: Sequence[RatioEstimator], weights: Mapping[str, Floats], seeds: int
) -> list[Metric]:
    """Values with intervals by Student's t: a percentile of three seeds says too little."""
    rows = []
    for each in sums:
        if np.isnan(each.value):
            continue
        drawn = each.resampled(weights[each.clusters])[:, None]
        (_, low, high), _ = student(np.array([each.value]), drawn, freedom(each, seeds))
        ends = float(low[0]), float(high[0])
        rows.append(Metric(each.sampler, each.metric, each.value, *ends, each.n, each.unit))
    return rows
