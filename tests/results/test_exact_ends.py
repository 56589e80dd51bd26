"""Counts of none and of all: the exact binomial interval takes the place of 0 ± 0."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from nextchar.results import HUMAN, Metric
from nextchar.results.exact_ends import with_exact_ends


def row(value: float, n: int, sampler: str = "a", unit: str = "share") -> Metric:
    return Metric(sampler, "loops", value, value, value, n, unit)


@pytest.mark.parametrize("n", [1, 8, 64, 500])
@pytest.mark.parametrize("value", [0, 1])
def test_ends_are_those_of_clopper_and_pearson(n: int, value: int) -> None:
    (found,) = with_exact_ends([row(value, n)], {"a": n})
    exact = binomtest(value * n, n).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_none_of_64_is_at_most_5_6_percent() -> None:
    (found,) = with_exact_ends([row(0, 64)], {"a": 64})
    assert f"{found.high:.1%}" == "5.6%"


def test_the_same_human_texts_count_once_whatever_the_seeds() -> None:
    people, sampler = with_exact_ends([row(0, 128, HUMAN), row(0, 128)], {HUMAN: 64, "a": 64}, 2)
    assert f"{people.high:.1%}" == "5.6%"
    assert sampler.high < people.high


@pytest.mark.parametrize(
    "kept",
    [
        row(0.5, 64),
        row(0, 1000),
        row(0, 64, unit="bits"),
        row(0, 64, sampler="unknown"),
        Metric("a", "loops", 0, 0, 0.1, 64, "share"),
    ],
    ids=["between", "words", "no share", "no texts", "an interval"],
)
def test_all_else_stays(kept: Metric) -> None:
    assert with_exact_ends([kept], {"a": 64}) == [kept]
