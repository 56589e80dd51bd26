"""A partition of the model's features into clusters: principal components, then k-means.

k-means++ (Arthur & Vassilvitskii 2007) starts Lloyd's iterations (scipy's). Another start ends in
another partition, and what is measured with one varies with it: so there are several, from one
seed, and their results are averaged.

Shapes: N points, C width, D components, k clusters.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2, vq

from nextchar.metrics.estimators import Floats

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

    def counts(self, features: Floats) -> Floats:
        """How many windows of each text are in each cluster: [R, w, C] to [R, k]."""
        R, w, k = *features.shape[:2], len(self.centres)
        points = (features - self.origin) @ self.components
        found, _ = vq(points.reshape(R * w, -1), self.centres)
        indices = np.repeat(np.arange(R), w) * k + found
        return np.bincount(indices, minlength=R * k).reshape(R, k).astype(float)


def fit(features: Floats, k: int, seed: int) -> list[Clusters]:
    """PARTITIONS partitions of features [N, C] into k clusters, N being at least k.

    Of the principal components the fewest that hold VARIANCE are used.
    """
    assert len(features) >= k
    origin = features.mean(0)
    centred = features - origin
    variances, directions = np.linalg.eigh(centred.T @ centred)
    held = np.cumsum(variances[::-1])
    fewest = int(np.searchsorted(held, VARIANCE * held[-1])) + 1
    components = directions[:, ::-1][:, :fewest]
    points = centred @ components
    generator = np.random.default_rng((seed, *points.shape, k))
    return [
        Clusters(origin, components, k_means(points, start(points, k, generator)))
        for _ in range(PARTITIONS)
    ]


def start(points: Floats, k: int, generator: np.random.Generator) -> Floats:
    """k of the points, each drawn with a chance as its squared distance from those before it.

    scipy's own start divides by zero where fewer than k points differ.
    """
    chosen = [int(generator.integers(len(points)))]
    distances = ((points - points[chosen]) ** 2).sum(1)
    while len(chosen) < k:
        cumulative = np.cumsum(distances)
        # Where all points are chosen or equal to one that is, any will do: its cluster stays empty.
        drawn = np.searchsorted(cumulative, generator.random() * cumulative[-1], side="right")
        chosen.append(min(int(drawn), len(points) - 1))
        distances = np.minimum(distances, ((points - points[chosen[-1]]) ** 2).sum(1))
    return points[chosen]


def k_means(points: Floats, centres: Floats) -> Floats:
    """Centres [k, D] moved to the means of their points [N, D]; that of an empty one stays."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")
        found, _ = kmeans2(points, centres, iter=ITERATIONS, minit="matrix")
    moved: Floats = found
    return moved
