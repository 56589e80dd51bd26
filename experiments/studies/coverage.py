"""How often a 95% interval covers the truth, for each kind of metric, in simulated studies.

Shapes: K clusters, n seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from nextchar.metrics.estimators import BLOCKS, PROMPTS, RatioEstimator, cluster_weights
from nextchar.metrics.family_figures import family_figures
from nextchar.metrics.mauve.frontier import area_pseudo_values, mean_area
from nextchar.metrics.pooling import crossed_weights, pooled, pooled_figures
from nextchar.results import HUMAN

Interval = tuple[float, float, float]
"""The truth, and the ends of the interval."""

RESAMPLES = 400
PROMPTS_OF_A_RUN, BLOCKS_OF_A_RUN = 64, 100


def generated_mean(generator: np.random.Generator) -> Interval:
    """Bits of a text: prompts differ, texts are skewed."""
    K = PROMPTS_OF_A_RUN
    return _one(generator.normal(0, 0.2, K) + generator.gamma(4, 0.1, K) - 0.4, 0.0, PROMPTS)


def generated_share(generator: np.random.Generator) -> Interval:
    """A share of texts, 20% in the mean; prompts differ."""
    chance = generator.beta(2, 8, PROMPTS_OF_A_RUN)
    return _one((generator.random(PROMPTS_OF_A_RUN) < chance).astype(float), 0.2, PROMPTS)


def exact(generator: np.random.Generator) -> Interval:
    """A mean over stretches of text of which neighbours are alike (correlation 0.1)."""
    values = generator.normal(0, 1, BLOCKS_OF_A_RUN + 1)
    return _one(values[1:] + 0.1 * values[:-1], 0.0, BLOCKS)


def pooled_over(seeds: int) -> Callable[[np.random.Generator], Interval]:
    """A mean over trainings and prompts, each with an effect, and both together."""

    def simulate(generator: np.random.Generator) -> Interval:
        K = PROMPTS_OF_A_RUN
        prompt = generator.normal(0, 1, K)
        runs = [
            [_sums("a", generator.normal(0, 0.3) + prompt + generator.normal(0, 1, K), PROMPTS)]
            for _ in range(seeds)
        ]
        rows = pooled(runs)
        (found,) = pooled_figures(rows, crossed_weights(rows, seeds, RESAMPLES, 0), seeds)
        return 0.0, found.low, found.high

    return simulate


def chosen_family(generator: np.random.Generator) -> Interval:
    """The value of the best of eight settings, chosen on half of the prompts, five trainings."""
    K, seeds, settings = PROMPTS_OF_A_RUN, 5, 8
    truth = np.linspace(-0.5, 0.5, settings)
    prompt, training = generator.normal(0, 1, K), generator.normal(0, 0.2, seeds)
    runs = []
    for seed in range(seeds):
        rows = [_sums(HUMAN, np.zeros(K), PROMPTS, "loops")]
        for at, mean in enumerate(truth):
            values = mean + training[seed] + prompt + generator.normal(0, 1, K)
            rows.append(_sums(f"a={at}", values, PROMPTS, "loops"))
        runs.append(rows)
    figures = family_figures(pooled(runs), RESAMPLES, 0, seeds=seeds)
    (found,) = (row for row in figures if row.kind == "best")
    return float(truth[int(found.setting.removeprefix("a="))]), found.low, found.high


def frontier_area(generator: np.random.Generator) -> Interval:
    """The area under the divergence frontier; the truth is its mean for as many texts."""
    counts, reference = _windows(generator), np.full((1, CLUSTERS), 12.0)
    pseudo = area_pseudo_values(counts, reference)
    _, low, high = _one(pseudo, 0.0, PROMPTS)
    return _expected_area(), low, high


CLUSTERS, WINDOWS = 64, 8


def _windows(generator: np.random.Generator) -> np.ndarray:
    """Windows of texts [R, 1, k]: each text prefers clusters of its own."""
    chances = generator.dirichlet(np.full(CLUSTERS, 0.3), PROMPTS_OF_A_RUN)
    return generator.multinomial(WINDOWS, chances)[:, None, :].astype(float)


@cache
def _expected_area() -> float:
    generator = np.random.default_rng(7)
    reference = np.full((1, CLUSTERS), 12.0)
    return float(np.mean([mean_area(_windows(generator).sum(0), reference) for _ in range(2000)]))


KINDS: dict[str, Callable[[np.random.Generator], Interval]] = {
    "generated, a mean (64 prompts)": generated_mean,
    "generated, a share of 20% (64 prompts)": generated_share,
    "exact (100 stretches, neighbours alike)": exact,
    "pooled over 3 trainings": pooled_over(3),
    "pooled over 5 trainings": pooled_over(5),
    "best of 8 settings, other half, 5 trainings": chosen_family,
    "divergence frontier (64 texts)": frontier_area,
}


def coverage(kind: str, simulations: int) -> float:
    """The share of simulated studies whose interval covers the truth."""
    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(simulations):
        truth, low, high = KINDS[kind](generator)
        inside += low <= truth <= high
    return inside / simulations


def _sums(label: str, values: np.ndarray, clusters: str, metric: str = "m") -> RatioEstimator:
    return RatioEstimator(label, metric, "", values, np.ones_like(values), clusters)


def _one(values: np.ndarray, truth: float, clusters: str) -> Interval:
    found = _sums("a", values, clusters)
    weights = cluster_weights({clusters: len(values)}, RESAMPLES, 0)
    row = found.figure(weights[clusters])
    return truth, row.low, row.high
