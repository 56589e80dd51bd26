"""Metrics of generated text: hand-computed cases, identities, and the bootstrap's law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import generated

from nextchar.metrics.catalog import TEXT_KINDS, defined
from nextchar.metrics.copying import whole_words
from nextchar.metrics.estimators import (
    PROMPTS,
    cluster_weights,
    figures,
    ratio_interval,
    resample_weights,
)
from nextchar.metrics.measure import text_sums
from nextchar.metrics.repetition import LOOP_CHARACTERS, distinct, ends_in_loop
from nextchar.metrics.texts import GeneratedTexts, words
from nextchar.results import Metric


def test_words_are_letters_with_apostrophes_inside() -> None:
    assert words("Don't say 'TIS so, o'er-hasty; 42 naïve_men!") == [
        *("don't", "say", "tis", "so", "o'er", "hasty", "naïve", "men")
    ]
    assert words("") == []


def test_words_cut_by_an_edge_are_left_out() -> None:
    assert whole_words("rld, the end of al") == ["the", "end", "of"]
    assert whole_words(" the end.") == ["the", "end"]
    assert whole_words("word") == []


@pytest.mark.parametrize(
    ("tokens", "n", "expected"),
    [
        ("a a a b", 1, 2 / 4),
        ("a a a b", 2, 2 / 3),
        ("a b c d", 3, 1),
        ("a b", 3, None),
        ("", 1, None),
    ],
)
def test_distinct_counts_kinds_over_all(tokens: str, n: int, expected: float | None) -> None:
    assert distinct(tokens.split(), n) == expected


@given(st.text("abc ", min_size=1, max_size=40), st.integers(2, 6))
def test_a_repeated_phrase_is_a_loop(phrase: str, times: int) -> None:
    repeated = phrase * times
    expected = len(repeated) >= LOOP_CHARACTERS
    assert ends_in_loop("#" + repeated) >= expected, "a looser period may do as well"
    assert not ends_in_loop(repeated + "!"), "it must be at the end"


def test_loops_by_hand() -> None:
    assert ends_in_loop("ABC and the king and the king")  # 14 characters, twice
    assert not ends_in_loop("ABC and the king and the queen")
    assert not ends_in_loop("Speak, speak. no no no no"), "too short for a loop"
    assert ends_in_loop("e" * 24)
    assert not ends_in_loop("f" + "e" * 23)
    assert not ends_in_loop("")


@given(st.text("ab", max_size=60))
def test_loops_against_the_definition(written: str) -> None:
    def brute() -> bool:
        n = len(written)
        for period in range(1, n // 2 + 1):
            for start in range(n):
                suffix = written[start:]
                long_enough = len(suffix) >= max(2 * period, LOOP_CHARACTERS)
                if long_enough and suffix[period:] == suffix[:-period]:
                    return True
        return False

    assert ends_in_loop(written) == brute()


def written(name: str, texts: list[str], train_text: str = "the") -> GeneratedTexts:
    shape = (len(texts), len(texts[0]))
    return generated(
        name,
        texts,
        train_text,
        bits=np.tile(np.arange(len(texts), dtype=float)[:, None], (1, shape[1])),
        entropy=np.ones(shape),
        support_size=np.full(shape, 3.0),
    )


def measured(samplers: list[GeneratedTexts], prompts: int) -> list[Metric]:
    sums = text_sums(defined(kinds=TEXT_KINDS, level="core"), samplers, prompts)
    return figures(sums, cluster_weights({PROMPTS: prompts}, 50, 0))


def test_every_figure_by_hand() -> None:
    texts = [" the king the king the ", " a zebra ate the queen "]
    rows = measured([written("s", texts, "The king and a queen.")], prompts=2)
    found = {row.metric: (row.value, row.n, row.unit) for row in rows}
    assert found == {
        "bits_per_character": (0.5, 46, "bits"),
        "entropy": (1.0, 46, "bits"),
        "kept_characters": (3.0, 46, "characters"),
        "distinct_1": (pytest.approx((2 / 5 + 1) / 2), 2, "ratio"),
        "distinct_2": (pytest.approx((2 / 4 + 1) / 2), 2, "ratio"),
        "distinct_3": (pytest.approx((2 / 3 + 1) / 2), 2, "ratio"),
        "distinct_4": (1.0, 2, "ratio"),
        "loops": (0.0, 2, "share"),
        "unknown_words": (pytest.approx(2 / 10), 10, "share"),
    }


def test_what_is_not_defined_has_no_row() -> None:
    """Text without words, and text that no sampler wrote."""
    rows = measured([generated("human", ["!!!"], "words")], prompts=1)
    assert [row.metric for row in rows] == ["bits_per_character", "loops"]


def test_samplers_are_measured_alike_and_apart() -> None:
    texts = [" the king ", " a horses "]
    alone = measured([written("a", texts)], prompts=2)
    both = measured([written("b", texts[::-1]), written("a", texts)], prompts=2)
    assert [row for row in both if row.sampler == "a"] == alone


def test_an_interval_is_seeded_and_holds_its_value() -> None:
    over, under = np.arange(10.0), np.full(10, 2.0)
    first = ratio_interval(over, under, resample_weights(10, 500, seed=0))
    assert first == ratio_interval(over, under, resample_weights(10, 500, seed=0))
    assert first != ratio_interval(over, under, resample_weights(10, 500, seed=1))
    value, low, high = first
    assert value == over.sum() / 20
    assert low < value < high


def test_equal_prompts_leave_no_doubt_and_none_leave_no_figure() -> None:
    weights = resample_weights(5, 100, seed=0)
    assert ratio_interval(np.full(5, 3.0), np.full(5, 2.0), weights) == (1.5, 1.5, 1.5)
    assert all(np.isnan(ratio_interval(np.zeros(5), np.zeros(5), weights)))
    one = np.array([0.0, 0, 7, 0, 0]), np.array([0.0, 0, 2, 0, 0])
    assert ratio_interval(*one, weights) == (3.5, 3.5, 3.5), "resamples without it are left out"


def test_a_resample_draws_as_many_prompts_as_there_are() -> None:
    weights = resample_weights(7, 100, seed=0)
    assert weights.shape == (100, 7)
    assert (weights.sum(1) == 7).all()


def test_the_interval_covers_the_truth() -> None:
    """Clusters of 4 alike texts, 60 prompts, 1,000 worlds: 95% within 91.5 to 97.5 percent.

    Percentile intervals of 60 clusters cover about 94.2%; beyond the bounds by chance once in
    3,000 times.
    """
    generator = np.random.default_rng(0)
    truth, covered = 0.3, 0
    for world in range(1000):
        cluster = generator.normal(truth, 1, size=60)
        texts = cluster[:, None] + generator.normal(0, 0.5, size=(60, 4))
        _, low, high = ratio_interval(
            texts.sum(1), np.full(60, 4.0), resample_weights(60, 400, seed=world)
        )
        covered += low <= truth <= high
    assert 915 <= covered <= 975
