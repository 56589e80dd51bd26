"""Families of samplers compared: each at its best setting, and at equal operating points.

A family is the samplers that differ in a parameter only. The best of many settings is partly luck,
so a setting is chosen on one half of the prompts (the even ones) and measured on the other:

    best              of each metric: the setting whose value is nearest to human text
    equal bits        where the family's bits per character equal those of human text
    equal diversity   where its distinct-2 does
    equal entropy     where its choices have three quarters of the entropy of pure sampling
    equal recall      where it leaves a chance to 95% of the characters of held-out text

Operating points lie between two settings, with linear interpolation. A family whose values are all
above, or all below, the aim has no such point. A family of two parameters (a temperature, then a
cut) is a curve for each value of the first; of several points the one nearest to human text on the
metric is taken, again on the even prompts.

Shapes: A families, n seeds, K clusters of a half, S resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import stats

from nextchar.metrics.differences import compared_pairs, distances, freedom, holm, student
from nextchar.metrics.estimators import CONFIDENCE, PROMPTS, Floats, RatioEstimator
from nextchar.metrics.pooling import crossed_weights
from nextchar.results import HUMAN, REFERENCES, FamilyFigure, number
from nextchar.results.labels import label_names, split_last

LEAST = 3
"""Settings that make a family."""

PURE = "temperature=1"

POWER = 0.8
"""Share of comparisons in which a `detectable` difference is told."""

Curve = list[tuple[float, str]]
"""Settings along one parameter: its value and the label, from the smallest value."""

Point = Mapping[str, float]
"""A setting, or a point between two: labels with their shares."""

Sums = Mapping[tuple[str, str], RatioEstimator]
"""By sampler and metric."""


@dataclass(frozen=True)
class Aim:
    """An operating point: where `metric` has `share` of the value of `of`, or is `share`."""

    metric: str
    of: str | None
    share: float = 1.0

    def target(self, tuning: Sums) -> float:
        """The value aimed at; NaN where what it refers to was not measured."""
        if self.of is None:
            return self.share
        row = tuning.get((self.of, self.metric))
        return self.share * row.value if row else np.nan


MATCHED = {
    "equal bits": Aim("bits_per_character", HUMAN),
    "equal diversity": Aim("distinct_2", HUMAN),
    "equal entropy": Aim("entropy", PURE, 0.75),
    "equal recall": Aim("recall", None, 0.95),
}


def families(labels: Sequence[str]) -> dict[str, list[Curve]]:
    """Name to curves, of families of at least LEAST settings.

    A family with one curve is called by what is fixed (`temperature=0.7 top_p`), one with several
    by the samplers alone (`temperature top_p`).
    """
    kin: dict[tuple[str, ...], dict[str, Curve]] = {}
    for label in dict.fromkeys(labels):
        parts = None if label in REFERENCES else split_last(label)
        if parts is not None:
            fixed, parameter = parts
            kin.setdefault(label_names(label), {}).setdefault(fixed, []).append((parameter, label))
    found = {}
    for names, curves in kin.items():
        (first, *others) = curves
        before, space, last = first.rpartition(" ")
        name = " ".join(names) if others else f"{before}{space}{last.partition(',')[0]}"
        if sum(map(len, curves.values())) >= LEAST:
            found[name] = [sorted(curve) for curve in curves.values()]
    return found


def family_figures(
    sums: Sequence[RatioEstimator], resamples: int, seed: int, *, seeds: int = 1
) -> list[FamilyFigure]:
    """Every family with two halves of prompts, on every metric of texts that human text has too.

    Of sums pooled over `seeds` trainings one setting is chosen for all, and intervals include
    training again.
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
    rows = []
    for metric in human:
        for kind in ("best", *MATCHED):
            points = {
                name: point
                for name, own in curves.items()
                if (point := _point(kind, metric, own, tuning)) is not None
            }
            if kind == "best" or metric != MATCHED[kind].metric:
                counts = {name: sum(map(len, own)) for name, own in curves.items()}
                rows += _rows(kind, metric, points, counts, reporting, weights, seeds)
    return rows


def _half(each: RatioEstimator, half: int, seeds: int) -> RatioEstimator:
    """The even (0) or the odd (1) clusters of every seed."""
    numerators, denominators = (
        side.reshape(seeds, -1)[:, half::2].ravel() for side in (each.numerators, each.denominators)
    )
    return replace(each, numerators=numerators, denominators=denominators)


def _point(kind: str, metric: str, curves: Sequence[Curve], tuning: Sums) -> Point | None:
    """Where a family is measured, chosen on the tuning half."""
    if kind == "best":
        points: list[Point] = [{label: 1.0} for curve in curves for _, label in curve]
    else:
        aim = MATCHED[kind]
        points = [point for curve in curves for point in _crossing(curve, aim, tuning)]
    human = tuning[HUMAN, metric].value
    gaps = [
        abs(sum(share * tuning[label, metric].value for label, share in point.items()) - human)
        if all((label, metric) in tuning for label in point)
        else np.nan
        for point in points
    ]
    if not points or np.isnan(gaps).any():
        return None
    return points[int(np.argmin(gaps))]


def _crossing(curve: Curve, aim: Aim, tuning: Sums) -> Iterator[Point]:
    """The first point of a curve at which the aim is met, if there is one."""
    if any((label, aim.metric) not in tuning for _, label in curve):
        return
    target = aim.target(tuning)
    gaps = [tuning[label, aim.metric].value - target for _, label in curve]
    if np.isnan(gaps).any():
        return
    for (gap, next_gap), ((_, first), (_, second)) in zip(
        pairwise(gaps), pairwise(curve), strict=True
    ):
        if gap == 0:
            yield {first: 1.0}
            return
        if gap * next_gap < 0:
            share = next_gap / (next_gap - gap)
            yield {first: share, second: 1 - share}
            return
    if gaps[-1] == 0:
        yield {curve[-1][1]: 1.0}


def _rows(
    kind: str,
    metric: str,
    points: Mapping[str, Point],
    counts: Mapping[str, int],
    reporting: Sums,
    weights: Floats,
    seeds: int,
) -> list[FamilyFigure]:
    """The families of one comparison, with the distance of each from human text."""
    human = reporting[HUMAN, metric]
    known = {
        label: each
        for (label, of), each in reporting.items()
        if of == metric and not np.isnan(each.value)
    }
    names = [name for name, point in points.items() if point.keys() <= known.keys()]
    if not names or HUMAN not in known:
        return []
    mixes = [[(share, known[label]) for label, share in points[name].items()] for name in names]
    value = np.array([sum(share * each.value for share, each in mix) for mix in mixes])
    drawn = np.array(
        [sum(share * each.resampled(weights) for share, each in mix) for mix in mixes]
    ).T
    least = min(freedom(each, seeds) for mix in mixes for _, each in mix)
    (_, low, high), _ = student(value, drawn, least)
    far, moved = distances(value, drawn, human, weights)
    (_, far_low, far_high), _ = student(far, moved, least)
    level, detectable = _beside_the_closest(far, moved, least)
    humans = np.full(len(names), human.value)
    columns = (value, low, high, far, far_low, far_high, level, humans, detectable)
    texts = [  # `top_p=0.9`, or `40% top_p=0.9, 60% top_p=0.95`
        ", ".join(f"{share:.0%} {at}" if share < 1 else at for at, share in points[name].items())
        for name in names
    ]
    made = [(counts[name], _by_seed(mix, seeds)) for name, mix in zip(names, mixes, strict=True)]
    rows = zip(names, texts, *map(np.ndarray.tolist, columns), made, strict=True)
    return [FamilyFigure(kind, metric, *row, *more) for *row, more in rows]


def _by_seed(mix: Sequence[tuple[float, RatioEstimator]], seeds: int) -> str:
    """The value with each training, where there are several."""
    if seeds == 1:
        return ""
    alone = np.repeat(np.eye(seeds), len(mix[0][1].numerators) // seeds, axis=1)
    values: Floats = sum((share * each.resampled(alone) for share, each in mix), np.zeros(seeds))
    return " ".join(map(number, values.tolist()))


def _beside_the_closest(far: Floats, moved: Floats, freedom: int) -> tuple[Floats, Floats]:
    """p, by Holm over all pairs, that a family is as close to human text as the closest one; and
    the difference from that one that would be told, by a single test at 5%, with chance POWER."""
    level, detectable = np.ones(len(far)), np.full(len(far), np.nan)
    if len(far) < 2:
        return level, detectable
    (first, second), (gap, low, _), p = compared_pairs(far, moved, freedom)
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, freedom)
    told = (gap - low) * (1 + stats.t.ppf(POWER, freedom) / reach)
    best = int(np.argmin(far))
    for a, b, corrected, least in zip(first, second, holm(p), told, strict=True):
        if best in (a, b):
            other = a if b == best else b
            level[other], detectable[other] = corrected, least
    return level, detectable
