"""Families: chosen on one half, measured on the other, matched where they meet human text."""

from __future__ import annotations

import numpy as np
import pytest

from nextchar.metrics.estimators import BLOCKS, RatioEstimator
from nextchar.metrics.families import families, family_figures
from nextchar.results import HUMAN, JUDGE, FamilyFigure

K = 40


def row(
    label: str, metric: str, even: float, odd: float, noise: float = 0.0, seed: int = 0
) -> RatioEstimator:
    """A metric that is `even` on the tuning prompts and `odd` on the reporting ones."""
    values = np.where(np.arange(K) % 2 == 0, even, odd)
    values = values + np.random.default_rng(seed).normal(0, noise, K)
    return RatioEstimator(label, metric, "", values, np.ones(K))


def only(rows: list[FamilyFigure], kind: str, metric: str, family: str = "top_k") -> FamilyFigure:
    (found,) = [r for r in rows if (r.kind, r.metric, r.family) == (kind, metric, family)]
    return found


def test_families_are_what_differs_in_the_last_parameter() -> None:
    labels = ["top_k=10", "top_k=2", "top_k=5", "temperature=0.7 top_k=2", "greedy", HUMAN, JUDGE]
    assert families(labels) == {"top_k": [(2, "top_k=2"), (5, "top_k=5"), (10, "top_k=10")]}
    both = [f"temperature=0.7 top_p={p}" for p in (0.9, 0.8, 0.95)]
    assert list(families(both)) == ["temperature=0.7 top_p"]


def test_the_setting_is_chosen_on_the_even_prompts_and_measured_on_the_odd() -> None:
    sums = [
        row("top_k=1", "loops", 0.0, 5.0),
        row("top_k=2", "loops", 1.0, 7.0),
        row("top_k=3", "loops", 2.0, 1.0),
        row(HUMAN, "loops", 1.1, 1.0),
    ]
    found = only(family_figures(sums, 100, 0), "best", "loops")
    assert found.setting == "top_k=2"
    assert (found.value, found.human, found.distance) == (7.0, 1.0, 6.0)


def test_matched_points_are_interpolated_to_equal_bits() -> None:
    sums = [
        *(row(f"top_k={k}", "bits_per_character", k, k) for k in (1, 2, 3)),
        *(row(f"top_k={k}", "loops", k * k, k * k) for k in (1, 2, 3)),
        row(HUMAN, "bits_per_character", 2.25, 2.25),
        row(HUMAN, "loops", 5.0, 5.0),
    ]
    rows = family_figures(sums, 100, 0)
    found = only(rows, "equal bits", "loops")
    assert found.setting == "75% top_k=2, 25% top_k=3"
    assert found.value == pytest.approx(0.75 * 4 + 0.25 * 9)
    assert not [r for r in rows if r.kind == "equal bits" and r.metric == "bits_per_character"]


def test_a_family_that_never_meets_human_text_has_no_matched_point() -> None:
    sums = [
        *(row(f"top_k={k}", "bits_per_character", k, k) for k in (1, 2, 3)),
        *(row(f"top_p={k}", "bits_per_character", 4 + k, 4 + k) for k in (1, 2, 3)),
        *(row(f"{f}={k}", "loops", k, k) for f in ("top_k", "top_p") for k in (1, 2, 3)),
        row(HUMAN, "bits_per_character", 1.5, 1.5),
        row(HUMAN, "loops", 2.0, 2.0),
    ]
    rows = family_figures(sums, 100, 0)
    assert {r.family for r in rows if r.kind == "equal bits"} == {"top_k"}
    assert {r.family for r in rows if r.kind == "best"} == {"top_k", "top_p"}


def test_the_level_tells_the_farther_family_and_not_the_equal_one() -> None:
    sums = [
        *(row(f"a={k}", "loops", 2 + k, 2 + k, 0.3, seed=k) for k in (0, 1, 2)),
        *(row(f"b={k}", "loops", 2 + k, 2 + k, 0.3, seed=10 + k) for k in (0, 1, 2)),
        *(row(f"c={k}", "loops", 6 + k, 6 + k, 0.3, seed=20 + k) for k in (0, 1, 2)),
        row(HUMAN, "loops", 1.0, 1.0),
    ]
    rows = [r for r in family_figures(sums, 300, 0) if r.kind == "best"]
    level = {r.family: r.level for r in rows}
    assert max(level["a"], level["b"]) == 1.0
    assert min(level["a"], level["b"]) > 0.05
    assert level["c"] < 1e-6
    assert all(r.low < r.value < r.high and r.distance_low < r.distance for r in rows)


def test_without_families_human_text_or_prompts_there_is_nothing() -> None:
    curve = [row(f"a={k}", "loops", k, k) for k in (0, 1, 2)]
    human = row(HUMAN, "loops", 1.0, 1.0)
    assert family_figures(curve, 10, 0) == []
    assert family_figures([*curve[:2], human], 10, 0) == []
    exact = [
        RatioEstimator(s.sampler, s.metric, "", s.numerators, s.denominators, BLOCKS) for s in curve
    ]
    assert family_figures([*exact, human], 10, 0) == []
    assert family_figures([*curve, human], 10, 0) != []
