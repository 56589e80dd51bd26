"""Which samplers differ, and which is closer to human text: paired, and corrected for their number.

All samplers are measured on the same clusters (prompts, or stretches of text), so a resample of the
clusters moves them together, and differences within a resample are more precise than intervals:

    difference     v_a - v_b
    nearer         |v_a - h| - |v_b - h|, h being human text; below zero a is the closer one

With the standard error s of the resampled differences: interval d +- t s, two-sided p from d / s,
both by Student's t with K - 1 degrees of freedom for K clusters. Within one metric the p of all
pairs are corrected by Holm 1979, so that the chance of even one false difference stays below 5%.

Shapes: K clusters, S resamples, A samplers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy import special

from nextchar.metrics.estimators import CONFIDENCE, Floats, Integers, RatioEstimator
from nextchar.results import HUMAN, MANY, REFERENCES, Difference


def differences(
    sums: Sequence[RatioEstimator], weights: Mapping[str, Floats], *, seeds: int = 1
) -> list[Difference]:
    """Every pair of samplers on every metric that both have; references are not compared.

    None of more than MANY samplers, which are compared as families. Sums that are pooled over
    `seeds` trainings and differ between them have one degree of freedom less than there are seeds.
    """
    if len({each.sampler for each in sums}.difference(REFERENCES)) > MANY:
        return []
    rows = []
    for metric in dict.fromkeys(each.metric for each in sums):
        known = [each for each in sums if each.metric == metric and not np.isnan(each.value)]
        human = next((each for each in known if each.sampler == HUMAN), None)
        samplers = [each for each in known if each.sampler not in REFERENCES]
        if len(samplers) < 2:
            continue
        own = weights[samplers[0].clusters]
        least = min(freedom(each, seeds) for each in samplers)
        values = np.array([each.value for each in samplers])
        drawn = np.stack([each.resampled(own) for each in samplers], axis=1)
        (first, second), gap, p = compared_pairs(values, drawn, least)
        columns: list[Floats] = [*gap, p, holm(p)]
        if human is None:
            columns += [np.full(len(first), np.nan)] * 4
        else:
            _, nearer, p = compared_pairs(*distances(values, drawn, human, own), least)
            columns += [*nearer, holm(p)]
        rows += [
            Difference(metric, samplers[a].sampler, samplers[b].sampler, *map(float, figures))
            for a, b, figures in zip(first, second, np.array(columns).T, strict=True)
        ]
    return rows


def freedom(sums: RatioEstimator, seeds: int) -> int:
    """Degrees of freedom: one less than there are seeds, or clusters where those are fewer.

    Sums that are the same in every seed, as those of human text's words are, have one less than
    there are clusters.
    """
    numerators, denominators = (
        each.reshape(seeds, -1) for each in (sums.numerators, sums.denominators)
    )
    clusters = numerators.shape[1]
    trained = (numerators != numerators[0]).any() or (denominators != denominators[0]).any()
    return (min(clusters, seeds) if trained else clusters) - 1


def compared_pairs(
    values: Floats, drawn: Floats, freedom: int
) -> tuple[Integers, tuple[Floats, ...], Floats]:
    """All pairs of values [A], resampled [S, A]: their indices [2, pairs], then their differences
    as `student` gives them."""
    first, second = pairs = np.array(list(combinations(range(len(values)), 2))).T
    gaps = values[first] - values[second], drawn[:, first] - drawn[:, second]
    return pairs, *student(*gaps, freedom)


def distances(
    values: Floats, drawn: Floats, human: RatioEstimator, weights: Floats
) -> tuple[Floats, Floats]:
    """How far values [A] and resampled values [S, A] are from those of human text.

    Whether a value is above or below that of human text is taken as known: |.| has a kink.
    """
    side = np.where(values < human.value, -1.0, 1.0)
    return side * (values - human.value), side * (drawn - human.resampled(weights)[:, None])


def student(
    values: Floats, drawn: Floats, freedom: int | Floats
) -> tuple[tuple[Floats, ...], Floats]:
    """(values, low, high) of the 95% intervals, and two-sided p; `drawn` is [S, A], the rest [A].

    A difference that no resample moves has no error: its p is 1 where it is zero, and 0 elsewhere.
    NaN where there is one cluster, or where fewer than two resamples have a value.
    """
    if np.min(freedom) < 1:
        unknown = np.full_like(values, np.nan)
        return (values, unknown, unknown), unknown
    known = (~np.isnan(drawn)).sum(0)
    mean = np.nansum(drawn, 0) / np.maximum(known, 1)
    spread = np.nansum((drawn - mean) ** 2, 0) / np.maximum(known - 1, 1)
    error = np.where(known > 1, np.sqrt(spread), np.nan)
    # Rounding leaves a spread of 1e-17 where there is none.
    error = np.where(error < 1e-12 * np.maximum(np.abs(values), 1e-3), 0.0, error)
    reach = special.stdtrit(freedom, (1 + CONFIDENCE) / 2) * error
    ratio = np.divide(
        np.abs(values), error, out=np.where(values == 0, 0.0, np.inf), where=error != 0
    )
    return (values, values - reach, values + reach), 2 * special.stdtr(freedom, -ratio)


def holm(p: Floats) -> Floats:
    """Holm's step-down correction (Scandinavian Journal of Statistics 6, 1979) of p values [A].

    The i-th smallest of A is multiplied by A - i + 1, and none may be below the one before it; NaN
    stays NaN and is not counted.
    """
    corrected = np.full_like(p, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.arange(len(order), 0, -1) * p[order]
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected
