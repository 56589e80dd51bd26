"""How alike two samples of texts look to the model: the area under their divergence frontier.

    r = w p + (1 - w) q
    (x, y)(w) = (exp(-c KL(q || r)), exp(-c KL(p || r))),     0 <= w <= 1

MAUVE: Pillutla et al. 2021, 2102.01454, with their c = 5. p and q are histograms of the windows of
the texts over clusters of the model's hidden states; the counts are smoothed by Krichevsky and
Trofimov's half a window a cluster (Liu et al. 2021, 2106.07898). Equal histograms have the area 1,
those without a common cluster 1 / 252. The divergence of histograms is at most that of what they
count, so the area is an upper estimate.

Shapes: R texts, M partitions, k clusters, N points of the frontier.
"""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr

from nextchar.metrics.catalog import STYLE, metric
from nextchar.metrics.estimators import Floats, pseudo_values
from nextchar.metrics.texts import GeneratedTexts

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


def area_pseudo_values(counts: Floats, reference: Floats) -> Floats:
    """The mean area of a set of R texts, whose windows are counted in `counts` [R, M, k], as
    jackknife pseudo-values [R] whose mean it is; the reference's counts are [M, k]."""
    whole = counts.sum(0)
    without = np.array([mean_area(whole - own, reference) for own in counts])
    return pseudo_values(mean_area(whole, reference), without)


@metric(
    "frontier",
    "area",
    "fron-\ntier",
    "divergence frontier (MAUVE)",
    ("unlike", "alike"),
    bounds=(0, 1),
    kind="sets",
    level="frontier",
    group=STYLE,
)
def frontier_area(texts: GeneratedTexts) -> Floats | None:
    """How alike the texts look to the model itself: the area under the divergence frontier between
    windows of them and of held-out text that is not among the human texts, counted in clusters of
    hidden states. 1 is alike; human text shows what can be reached."""
    return None if texts.clusters is None else area_pseudo_values(*texts.clusters)
