"""Families of samplers compared: each at its best setting, and at equal operating points.

A family is the samplers that differ in their last parameter only. The best of many settings is
partly luck, so a setting is chosen on one half of the prompts (the even ones) and measured on the
other:

    best              of each metric: the setting whose value is nearest to human text
    equal bits        where the family's bits per character equal those of human text
    equal diversity   where its distinct-2 does

Operating points lie between two settings, with linear interpolation. A family whose values are all
above, or all below, those of human text has no such point.

Shapes: A families, K prompts of a half, S resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from nextchar.metrics.differences import compared_pairs, distances, holm, student
from nextchar.metrics.estimators import PROMPTS, Floats, RatioEstimator, resample_weights
from nextchar.results import HUMAN, REFERENCES, FamilyFigure
from nextchar.results.labels import split_last

LEAST = 3
"""Settings that make a family."""

MATCHED = {"equal bits": "bits_per_character", "equal diversity": "distinct_2"}

Curve = list[tuple[float, str]]
"""The settings of a family: parameter and label, from the smallest parameter."""


Point = Mapping[str, float]
"""A setting, or a point between two: labels with their shares."""


def families(labels: Sequence[str]) -> dict[str, Curve]:
    """Label without its last value, to the settings; families of at least LEAST settings."""
    found: dict[str, Curve] = {}
    for label in dict.fromkeys(labels):
        parts = None if label in REFERENCES else split_last(label)
        if parts is not None:
            name, parameter = parts
            found.setdefault(name, []).append((parameter, label))
    return {name: sorted(curve) for name, curve in found.items() if len(curve) >= LEAST}


def family_figures(sums: Sequence[RatioEstimator], resamples: int, seed: int) -> list[FamilyFigure]:
    """Every family with two halves of prompts, on every metric that human text has too."""
    known = {(each.sampler, each.metric): each for each in sums if each.clusters == PROMPTS}
    human = {metric: each for (sampler, metric), each in known.items() if sampler == HUMAN}
    curves = families([sampler for sampler, _ in known])
    if not curves or not human or len(next(iter(human.values())).numerators) < 4:
        return []
    tuning, reporting = (
        {
            key: replace(each, numerators=each.numerators[at], denominators=each.denominators[at])
            for key, each in known.items()
        }
        for at in (slice(0, None, 2), slice(1, None, 2))
    )
    size = len(reporting[HUMAN, next(iter(human))].numerators)
    weights = resample_weights(size, resamples, seed)
    rows = []
    for metric in human:
        for kind in ("best", *MATCHED):
            points = {
                name: point
                for name, curve in curves.items()
                if (point := _point(kind, metric, curve, tuning)) is not None
            }
            if metric != MATCHED.get(kind):
                rows += _rows(kind, metric, points, reporting, weights)
    return rows


def _point(
    kind: str, metric: str, curve: Curve, tuning: Mapping[tuple[str, str], RatioEstimator]
) -> Point | None:
    """Where a family is measured, chosen on the tuning half."""
    aim = MATCHED.get(kind, metric)
    if any((label, aim) not in tuning for _, label in curve):
        return None
    target = tuning[HUMAN, aim].value
    gaps = [tuning[label, aim].value - target for _, label in curve]
    if np.isnan(gaps).any():
        return None
    if kind == "best":
        return {curve[int(np.argmin(np.abs(gaps)))][1]: 1.0}
    for (gap, next_gap), ((_, first), (_, second)) in zip(
        pairwise(gaps), pairwise(curve), strict=True
    ):
        if gap == 0:
            return {first: 1.0}
        if gap * next_gap < 0:
            share = next_gap / (next_gap - gap)
            return {first: share, second: 1 - share}
    return {curve[-1][1]: 1.0} if gaps[-1] == 0 else None


def _rows(
    kind: str,
    metric: str,
    points: Mapping[str, Point],
    reporting: Mapping[tuple[str, str], RatioEstimator],
    weights: Floats,
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
    freedom = len(human.numerators) - 1
    (_, low, high), _ = student(value, drawn, freedom)
    far, moved = distances(value, drawn, human, weights)
    (_, far_low, far_high), _ = student(far, moved, freedom)
    level = _level(far, moved, freedom)
    humans = np.full(len(names), human.value)
    columns = np.array([value, low, high, far, far_low, far_high, level, humans])
    texts = [  # `top_p=0.9`, or `40% top_p=0.9, 60% top_p=0.95`
        ", ".join(f"{share:.0%} {at}" if share < 1 else at for at, share in points[name].items())
        for name in names
    ]
    return [
        FamilyFigure(kind, metric, name, text, *own.tolist())
        for name, text, own in zip(names, texts, columns.T, strict=True)
    ]


def _level(far: Floats, moved: Floats, freedom: int) -> Floats:
    """p, by Holm over all pairs, that a family is as close to human text as the closest one."""
    if len(far) < 2:
        return np.ones(len(far))
    (first, second), _, p = compared_pairs(far, moved, freedom)
    best = int(np.argmin(far))
    level = np.ones(len(far))
    for a, b, corrected in zip(first, second, holm(p), strict=True):
        if best in (a, b):
            level[a if b == best else b] = corrected
    return level
