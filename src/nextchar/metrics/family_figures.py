"""Families measured: at the points chosen on the even prompts, with the odd ones.

Shapes: A families, n seeds, K clusters of a half, S resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from nextchar.metrics.differences import holm, student
from nextchar.metrics.estimators import CONFIDENCE, PROMPTS, Floats, RatioEstimator
from nextchar.metrics.families import MATCHED, Point, Sums, families, overall_point, point, scales
from nextchar.metrics.pooling import crossed_weights
from nextchar.results import HUMAN, OVERALL, FamilyFigure, number

POWER = 0.8
"""Share of comparisons in which a `detectable` difference is detected."""


@dataclass(frozen=True, eq=False)
class _Measured:
    """Families on one metric: at which points, their values [A], resampled [S, A] and with each
    training [n, A]; and their distances from human text, in the same shapes. `clusters` is K."""

    points: Mapping[str, Point]
    values: tuple[Floats, Floats, Floats]
    distances: tuple[Floats, Floats, Floats]
    human: float
    clusters: int


def family_figures(
    sums: Sequence[RatioEstimator],
    resamples: int,
    seed: int,
    *,
    seeds: int = 1,
    only: Sequence[str] = (),
) -> list[FamilyFigure]:
    """Every family with two halves of prompts, on every metric of texts that human text has too.

    Of sums pooled over `seeds` trainings one setting is chosen for all, and intervals include
    training again. With `only` some families are compared, in the units of all.
    """
    known = {(each.sampler, each.metric): each for each in sums}
    human = [m for (who, m), each in known.items() if who == HUMAN and each.clusters == PROMPTS]
    curves = families([who for (who, _), each in known.items() if each.clusters == PROMPTS])
    if not curves or not human or len(known[HUMAN, human[0]].numerators) < 4 * seeds:
        return []
    tuning, reporting = (
        {key: _half(each, half, seeds) for key, each in known.items()} for half in (0, 1)
    )
    shown = [each for each in reporting.values() if each.clusters == PROMPTS]
    weights = crossed_weights(shown, seeds, resamples, seed)[PROMPTS]
    counts = {name: sum(map(len, own)) for name, own in curves.items()}
    scale = scales(
        [label for own in curves.values() for curve in own for _, label in curve], tuning
    )
    curves = {name: own for name, own in curves.items() if not only or name in only}
    overall = _found({name: overall_point(own, tuning, scale) for name, own in curves.items()})
    parts = [_measured(metric, overall, reporting, weights, seeds) for metric in scale]
    rows = _rows("overall", OVERALL, _mean(parts, list(scale.values())), counts)
    for metric in human:
        for kind in ("overall", "best", *MATCHED):
            if kind in MATCHED and metric == MATCHED[kind].metric:
                continue
            points = overall
            if kind != "overall":
                points = _found({n: point(kind, metric, own, tuning) for n, own in curves.items()})
            rows += _rows(
                kind, metric, _measured(metric, points, reporting, weights, seeds), counts
            )
    return rows


def _half(each: RatioEstimator, half: int, seeds: int) -> RatioEstimator:
    """The even (0) or the odd (1) clusters of every seed."""
    numerators, denominators = (
        side.reshape(seeds, -1)[:, half::2].ravel() for side in (each.numerators, each.denominators)
    )
    return replace(each, numerators=numerators, denominators=denominators)


def _found(points: Mapping[str, Point | None]) -> dict[str, Point]:
    return {name: each for name, each in points.items() if each is not None}


def _measured(
    metric: str, points: Mapping[str, Point], reporting: Sums, weights: Floats, seeds: int
) -> _Measured | None:
    """The families on one metric; None where no family, or human text, has it."""
    known = {label: e for (label, of), e in reporting.items() if of == metric}
    known = {label: each for label, each in known.items() if not np.isnan(each.value)}
    points = {name: each for name, each in points.items() if each.keys() <= known.keys()}
    if not points or HUMAN not in known:
        return None
    human = known[HUMAN]
    once = np.ones((1, len(human.numerators)))
    alone = np.repeat(np.eye(seeds), len(human.numerators) // seeds, axis=1)
    values, distances = [], []
    for drawn in (once, weights, alone):
        own = np.stack([_mixed(each, known, drawn) for each in points.values()], axis=1)
        values.append(own)
        distances.append(own - human.resampled(drawn)[:, None])
    # Whether a value is above or below that of human text is taken as known: |.| has a kink.
    side = np.where(distances[0] < 0, -1.0, 1.0)
    return _Measured(
        points,
        (values[0][0], values[1], values[2]),
        ((side * distances[0])[0], side * distances[1], side * distances[2]),
        human.value,
        len(human.numerators) // seeds,
    )


def _mixed(point: Point, known: Mapping[str, RatioEstimator], weights: Floats) -> Floats:
    """The metric at a point, in each resample of `weights` [S, n K]: [S]."""
    return sum(
        (s * known[at].resampled(weights) for at, s in point.items()), np.zeros(len(weights))
    )


def _mean(parts: Sequence[_Measured | None], scales: Sequence[float]) -> _Measured | None:
    """The mean of the metrics' distances, each divided by its scale."""
    found = [each for each in parts if each]
    if not found or len(found) < len(parts):
        return None
    value, drawn, alone = (
        np.mean([side / scale for side, scale in zip(sides, scales, strict=True)], axis=0)
        for sides in zip(*(each.distances for each in found), strict=True)
    )
    columns = (value, drawn, alone)
    return _Measured(found[0].points, columns, columns, 0.0, found[0].clusters)


def _rows(
    kind: str, metric: str, found: _Measured | None, counts: Mapping[str, int]
) -> list[FamilyFigure]:
    """The families of one comparison, with the distance of each from human text."""
    if found is None:
        return []
    (value, drawn, alone), (far, moved, apart) = found.values, found.distances
    (_, low, high), _ = student(value, drawn, freedom(drawn, alone, found.clusters))
    (_, far_low, far_high), _ = student(far, moved, freedom(moved, apart, found.clusters))
    level, detectable = _beside_the_closest(far, moved, apart, found.clusters)
    rows = []
    for at, (name, shares) in enumerate(found.points.items()):
        # `top_p=0.9`, or `40% top_p=0.9, 60% top_p=0.95`
        texts = [f"{share:.0%} {label}" if share < 1 else label for label, share in shares.items()]
        by_seed = alone[:, at].tolist() if len(alone) > 1 else []
        row = FamilyFigure(
            kind=kind,
            metric=metric,
            family=name,
            setting=", ".join(texts),
            value=float(value[at]),
            low=float(low[at]),
            high=float(high[at]),
            distance=float(far[at]),
            distance_low=float(far_low[at]),
            distance_high=float(far_high[at]),
            level=float(level[at]),
            human=found.human,
            detectable=float(detectable[at]),
            settings=counts[name],
            by_seed=" ".join(map(number, by_seed)),
        )
        rows.append(row)
    return rows


def freedom(drawn: Floats, alone: Floats, clusters: int) -> Floats:
    """Degrees of freedom [A] of resampled values [S, A] whose variance is partly that of trainings,
    of which `alone` [n, A] are the values, and partly that of K prompts: by Satterthwaite (1946):
    n - 1 where trainings make all of it, K - 1 where prompts do, up to their sum where both do.
    """
    n = len(alone)
    if n == 1 or clusters == 1:
        return np.full(drawn.shape[1], float(clusters - 1))
    total = np.nanvar(drawn, axis=0, ddof=1)
    # fmin: where a training has no value all of the variance counts as that of trainings.
    trainings = np.fmin(alone.var(0, ddof=1) / n, total)
    parts = trainings**2 / (n - 1) + (total - trainings) ** 2 / (clusters - 1)
    return np.divide(total**2, parts, out=np.full_like(total, n - 1.0), where=parts > 0)


def _beside_the_closest(
    far: Floats, moved: Floats, apart: Floats, clusters: int
) -> tuple[Floats, Floats]:
    """p, by Holm over all pairs, that a family is as close to human text as the closest one; and
    the difference from that one that a single test at 5% would detect with chance POWER."""
    level, detectable = np.ones(len(far)), np.full(len(far), np.nan)
    if len(far) < 2:
        return level, detectable
    first, second = np.triu_indices(len(far), 1)
    drawn = moved[:, first] - moved[:, second]
    own = freedom(drawn, apart[:, first] - apart[:, second], clusters)
    (gap, low, _), p = student(far[first] - far[second], drawn, own)
    least_found = (gap - low) * (1 + stdtrit(own, POWER) / stdtrit(own, (1 + CONFIDENCE) / 2))
    best = int(np.argmin(far))
    for a, b, corrected, least in zip(first, second, holm(p), least_found, strict=True):
        if best in (a, b):
            other = a if b == best else b
            level[other], detectable[other] = corrected, least
    return level, detectable
