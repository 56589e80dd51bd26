"""How alike two samples of texts look to the model: the area under their divergence frontier.

    r = w p + (1 - w) q
    (x, y)(w) = (exp(-c KL(q || r)), exp(-c KL(p || r))),     0 <= w <= 1

MAUVE: Pillutla et al. 2021, 2102.01454, with their c = 5. p and q are histograms of the windows of
the texts over clusters of the model's hidden states; the counts are smoothed by Krichevsky and
Trofimov's half a window a cluster (Liu et al. 2021, 2106.07898). Equal histograms have the area 1,
those without a common cluster 1 / 252. The divergence of histograms is at most that of what they
count, so that the area errs upwards.

Shapes: R texts, M partitions, k clusters, N points of the frontier.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy.special import rel_entr

from nextchar.metrics.estimators import RatioEstimator, clustered
from nextchar.metrics.sets import by_set, mean
from nextchar.metrics.statistics import Floats, pseudo_values

SCALE = 5.0
"""c: the larger, the lower is the area of a given divergence; the paper's."""

POINTS = 65
"""Of the frontier, closer together towards its ends, where a cluster that one side lacks bends it;
between them it is taken as straight: the area is right to 3e-4."""


def smoothed(counts: Floats) -> Floats:
    """Krichevsky and Trofimov's estimate of the distribution behind counts [k]."""
    shares: Floats = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return shares


def frontier(p: Floats, q: Floats) -> tuple[Floats, Floats]:
    """x and y [N] of the frontier of distributions p and q [k], from w = 0 (x is 1) to w = 1."""
    w = np.sin(np.linspace(0, np.pi / 2, POINTS))[:, None] ** 2
    r = w * p + (1 - w) * q
    return np.exp(-SCALE * rel_entr(q, r).sum(1)), np.exp(-SCALE * rel_entr(p, r).sum(1))


def area(p: Floats, q: Floats) -> float:
    """The area under the frontier and the lines from its ends to (0, 1) and (1, 0)."""
    x, y = frontier(p, q)
    return float(x[-1] - np.diff(x) @ (y[1:] + y[:-1]) / 2)


def mean_area(counts: Floats, reference: Floats) -> float:
    """The mean of the areas under M partitions, from windows counted in each: both [M, k]."""
    pairs = zip(counts, reference, strict=True)
    return float(np.mean([area(smoothed(own), smoothed(q)) for own, q in pairs]))


def area_pseudo_values(counts: Sequence[Floats], reference: Floats) -> Floats:
    """The mean area of a set of R texts, their windows counted in `counts` R times [M, k], as
    jackknife pseudo-values [R] whose mean it is; the reference's counts are [M, k]."""
    each = np.stack(counts)
    whole = each.sum(0)
    without = np.array([mean_area(whole - own, reference) for own in each])
    return pseudo_values(mean_area(whole, reference), without)


def frontier_sums(
    label: str, after: Sequence[int], counts: Floats, reference: Floats, prompts: int
) -> RatioEstimator:
    """The metric `frontier` of one sampler from counts [R, M, k] and the reference's [M, k];
    `after` [R] says after which prompt each text stands."""
    values = by_set(after, list(counts), partial(area_pseudo_values, reference=reference))
    name, unit, over, under = mean("frontier", "area", values)
    above, below = (clustered(side, after, prompts) for side in (over, under))
    return RatioEstimator(label, name, unit, above, below)
