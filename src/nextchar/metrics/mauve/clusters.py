"""A partition of the model's features into clusters: principal components, then k-means.

k-means++ (Arthur & Vassilvitskii 2007) starts Lloyd's iterations. Another start ends in another
partition, and what is measured by one wavers with it: so there are several, from one seed, and what
they say is averaged.

Shapes: N points, C width, D components, k clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextchar.metrics.statistics import Floats

VARIANCE = 0.9
"""Share of the variance that the principal components must hold, as in Pillutla et al. 2021."""
PARTITIONS, ITERATIONS = 5, 100


@dataclass(frozen=True, eq=False)
class Clusters:
    """Features are centred by `origin` [C], projected on `components` [C, D], and belong to the
    nearest of `centres` [k, D]."""

    origin: Floats
    components: Floats
    centres: Floats

    @property
    def count(self) -> int:
        """k."""
        return len(self.centres)

    def counts(self, features: Floats) -> Floats:
        """How many windows of each text lie in each cluster: [R, w, C] to [R, k]."""
        R, w = features.shape[:2]
        found = nearest((features - self.origin) @ self.components, self.centres)
        places = np.repeat(np.arange(R), w) * self.count + found.ravel()
        return np.bincount(places, minlength=R * self.count).reshape(R, -1).astype(float)


def fit(features: Floats, k: int, seed: int) -> list[Clusters]:
    """PARTITIONS partitions of features [N, C] into k clusters, N being at least k."""
    assert len(features) >= k
    origin = features.mean(0)
    components = principal(features - origin)
    points = (features - origin) @ components
    generator = np.random.default_rng((seed, *points.shape, k))
    return [
        Clusters(origin, components, lloyd(points, started(points, k, generator)))
        for _ in range(PARTITIONS)
    ]


def principal(centred: Floats) -> Floats:
    """The fewest principal components [C, D] that hold VARIANCE of points [N, C] around zero."""
    variances, directions = np.linalg.eigh(centred.T @ centred)
    held = np.cumsum(variances[::-1])
    return directions[:, ::-1][:, : int(np.searchsorted(held, VARIANCE * held[-1])) + 1]


def started(points: Floats, k: int, generator: np.random.Generator) -> Floats:
    """k of the points, each drawn with a chance as its squared distance from those before it."""
    chosen = [int(generator.integers(len(points)))]
    distances = squared(points, points[chosen])[:, 0]
    while len(chosen) < k:
        cumulative = np.cumsum(distances)
        # Where all points are chosen or equal to one that is, any will do: its cluster stays empty.
        drawn = np.searchsorted(cumulative, generator.random() * cumulative[-1], side="right")
        chosen.append(min(int(drawn), len(points) - 1))
        distances = np.minimum(distances, squared(points, points[chosen[-1:]])[:, 0])
    return points[chosen]


def lloyd(points: Floats, centres: Floats) -> Floats:
    """Centres [k, D] moved to the means of their points until no point changes its centre."""
    before = None
    for _ in range(ITERATIONS):
        own = nearest(points, centres)
        if before is not None and np.array_equal(own, before):
            break
        before = own
        sizes = np.bincount(own, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, own, points)
        filled = sizes[:, None] > 0
        centres = np.where(filled, sums / np.maximum(sizes, 1)[:, None], centres)
    return centres


def nearest(points: Floats, centres: Floats) -> NDArray[np.int64]:
    """Index of the nearest centre [k, D] of each of points [..., D]; of equals the first."""
    found: NDArray[np.int64] = squared(points, centres).argmin(-1)
    return found


def squared(points: Floats, centres: Floats) -> Floats:
    """Squared distances of points [..., D] from centres [k, D], [..., k]; rounding stops at 0."""
    products = points @ centres.T
    distances: Floats = (points**2).sum(-1)[..., None] - 2 * products + (centres**2).sum(1)
    return distances.clip(min=0)
