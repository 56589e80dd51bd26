"""Uncertainty: coverage in simulations, Holm by hand, pairs that help."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.metrics.differences import differences, holm, student
from nextchar.metrics.estimators import PROMPTS, RatioEstimator, cluster_weights, figures
from nextchar.report.standing import standings
from nextchar.results import HUMAN, HUMAN_TRAINING, MANY, Difference

SIMULATIONS, RESAMPLES, K = 1000, 300, 40


def sums(label: str, means: np.ndarray, counts: np.ndarray | None = None) -> RatioEstimator:
    under = np.ones_like(means) if counts is None else counts
    return RatioEstimator(label, "m", "", means * under, under)


def only(rows: list[Difference], first: str, second: str) -> Difference:
    (found,) = [row for row in rows if (row.first, row.second) == (first, second)]
    return found


def test_holm_by_hand() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert holm(np.array([0.5, np.nan, 0.4])).tolist()[::2] == pytest.approx([0.8, 0.8])
    assert holm(np.array([])).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_raw_p_and_bonferroni_and_keeps_the_order(p: list[float]) -> None:
    raw = np.array(p)
    corrected = holm(raw)
    assert np.all(corrected >= raw)
    assert np.all(corrected <= np.minimum(raw * len(raw), 1) + 1e-12)
    assert np.all(np.diff(corrected[np.argsort(raw, kind="stable")]) >= 0)


def test_paired_intervals_cover_95_percent() -> None:
    """Clustered, unequal, skewed: prompts share an effect, samplers differ by 0.3 in truth.

    With 1,000 simulations the share's standard error is 0.7%: a right method strays outside
    [0.925, 0.975] with a chance of about 3e-4. The generator is seeded.
    """
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(SIMULATIONS):
        prompt = generator.normal(0, 2, K)
        counts = generator.integers(5, 40, K).astype(float)
        noise = generator.exponential(1, (2, K)) - 1
        rows = [
            sums("a", prompt + 0.3 + noise[0] / np.sqrt(counts) * 3, counts),
            sums("b", prompt + noise[1] / np.sqrt(counts) * 3, counts),
        ]
        weights = cluster_weights({PROMPTS: K}, RESAMPLES, int(generator.integers(2**31)))
        (found,) = differences(rows, weights)
        covered += found.low <= 0.3 <= found.high
    assert 0.925 < covered / SIMULATIONS < 0.975


def test_equal_samplers_are_told_apart_in_5_percent_after_holm() -> None:
    """Five equal samplers, ten pairs: at least one falls below 5% in at most about 5% of cases.

    400 simulations, standard error 1.1%: above 9% by chance in less than one of 3,000.
    """
    generator = np.random.default_rng(1)
    wrong = 0
    for _ in range(400):
        prompt = generator.normal(0, 1, K)
        rows = [sums(label, prompt + generator.normal(0, 1, K)) for label in "abcde"]
        found = differences(rows, cluster_weights({PROMPTS: K}, RESAMPLES, 0))
        wrong += min(row.holm for row in found) < 0.05
    assert wrong / 400 < 0.09


def test_pairs_find_what_intervals_hide() -> None:
    generator = np.random.default_rng(2)
    prompt = generator.normal(0, 5, K)
    rows = [sums("a", prompt + 1 + generator.normal(0, 0.3, K)), sums("b", prompt)]
    weights = cluster_weights({PROMPTS: K}, 500, 0)
    first, second = figures(rows, weights)
    assert first.low < second.high, "the intervals overlap"
    (found,) = differences(rows, weights)
    assert found.holm < 1e-6
    assert found.low > 0


def test_nearer_is_the_difference_of_distances_and_references_are_not_ranked() -> None:
    flat = np.zeros(K)
    wobble = np.random.default_rng(3).normal(0, 0.01, K)
    rows = [
        sums("far", flat + 3 + wobble),
        sums("near", flat - 1),
        sums(HUMAN_TRAINING, flat),
        sums(HUMAN, flat),
    ]
    (found,) = differences(rows, cluster_weights({PROMPTS: K}, 200, 0))
    assert (found.first, found.second) == ("far", "near")
    assert found.difference == pytest.approx(4, abs=0.05)
    assert found.nearer == pytest.approx(2, abs=0.05)
    assert found.nearer_holm < 1e-9


def test_without_human_text_there_is_no_nearer() -> None:
    rows = [sums("a", np.arange(K) * 1.0), sums("b", np.ones(K))]
    (found,) = differences(rows, cluster_weights({PROMPTS: K}, 50, 0))
    assert math.isnan(found.nearer)
    assert math.isnan(found.nearer_holm)
    assert standings(figures(rows, cluster_weights({PROMPTS: K}, 50, 0)), [found]) == []


def test_of_many_samplers_no_pairs_are_compared() -> None:
    """Not even on a metric that only two of them have."""
    weights = cluster_weights({PROMPTS: K}, 20, 0)
    rows = [sums(f"a={i}", np.arange(K) * 1.0) for i in range(MANY + 1)]
    two = [RatioEstimator(f"a={i}", "other", "", np.ones(K), np.ones(K)) for i in range(2)]
    assert len(differences(rows[:-1], weights)) == MANY * (MANY - 1) // 2
    assert differences([*rows, *two], weights) == []


def test_differences_without_error_and_without_clusters() -> None:
    (_, low, high), p = student(np.array([0.0, 2.0]), np.array([[0.0, 2.0]] * 9), 5)
    assert p.tolist() == [1, 0]
    assert low.tolist() == high.tolist() == [0, 2]
    _, unknown = student(np.array([1.0]), np.ones((9, 1)), 0)
    assert np.isnan(unknown).all()


def test_the_standing_names_the_closest_and_who_is_level() -> None:
    generator = np.random.default_rng(4)
    prompt = generator.normal(0, 1, K)
    rows = [
        sums("best", prompt + 0.02 + generator.normal(0, 0.3, K)),
        sums("level", prompt - 0.06 + generator.normal(0, 0.3, K)),
        sums("far", prompt + 4 + generator.normal(0, 0.3, K)),
        sums(HUMAN, prompt),
    ]
    weights = cluster_weights({PROMPTS: K}, 500, 0)
    (found,) = standings(figures(rows, weights), differences(rows, weights))
    assert {*found.closest, *found.tied} == {"best", "level"}
    assert len(found.closest) == 1
    assert (found.farther, found.indistinguishable_pairs, found.pairs) == (1, 1, 3)
