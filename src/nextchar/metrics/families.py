"""Families of samplers, and the points at which they are compared.

A family is the samplers that differ in a parameter only. The best of many settings is partly luck,
so a setting is chosen on one half of the prompts (the even ones) and measured on the other
(metrics/family_figures.py):

    overall           one setting for all metrics: the mean of the TOGETHER ones' distances from
                      human text, each in standard deviations among all settings, is smallest
    best              of each metric: the setting whose value is nearest to human text
    equal bits        where the family's bits per character equal those of human text
    equal diversity   where its distinct-2 does
    equal entropy     where its choices have three quarters of the entropy of pure sampling
    equal recall      where it leaves a chance to 95% of the characters of held-out text

Operating points lie between two settings, with linear interpolation. A family whose values are all
above, or all below, the aim has no such point. A family of two parameters (a temperature, then a
cut) is a curve for each value of the first; of several points the one nearest to human text on the
metric is taken, again on the even prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nextchar.metrics.estimators import RatioEstimator
from nextchar.results import HUMAN, REFERENCES
from nextchar.results.labels import label_names, split_last

LEAST = 3
"""Settings that make a family."""

PURE = "temperature=1"

TOGETHER = (
    "bits_per_character",
    "distinct_2",
    "loops",
    "unknown_words",
    "judge_bits",
    "self_bleu_4",
    "divergence_5",
)
"""Metrics of `overall`, those of them that were measured: surprise, variety, repetition, spelling,
and with metrics=full surprise to another model, likeness of the texts, and their 5-grams."""

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


def scales(labels: Sequence[str], tuning: Sums) -> dict[str, float]:
    """The TOGETHER metrics that all settings and human text have, with their standard deviation
    among the settings; a metric that is the same everywhere is left out."""
    found = {}
    for metric in TOGETHER:
        if all((label, metric) in tuning for label in (*labels, HUMAN)):
            deviation = float(np.std([tuning[label, metric].value for label in labels]))
            if deviation > 0:  # false for NaN
                found[metric] = deviation
    return found


def overall_point(
    curves: Sequence[Curve], tuning: Sums, scales: Mapping[str, float]
) -> Point | None:
    """The setting at which a family is nearest to human text in the mean over metrics."""
    labels = [label for curve in curves for _, label in curve]
    if not scales:
        return None
    distances = [
        sum(abs(tuning[label, m].value - tuning[HUMAN, m].value) / s for m, s in scales.items())
        for label in labels
    ]
    return {labels[int(np.argmin(distances))]: 1.0}


def point(kind: str, metric: str, curves: Sequence[Curve], tuning: Sums) -> Point | None:
    """Where a family is measured on a metric: its best setting, or one of the MATCHED points."""
    if kind == "best":
        points: list[Point] = [{label: 1.0} for curve in curves for _, label in curve]
    else:
        points = [found for curve in curves for found in _crossing(curve, MATCHED[kind], tuning)]
    human = tuning[HUMAN, metric].value
    gaps = [
        abs(sum(share * tuning[label, metric].value for label, share in each.items()) - human)
        if all((label, metric) in tuning for label in each)
        else np.nan
        for each in points
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
