"""Copying: against a naive search, and the identities of a text that is copied whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapes import generated

from nextchar.metrics.copying import longest_matches, novel, with_matches
from nextchar.metrics.estimators import Integers

small = st.text("ab\0", max_size=25)


def matches(train: str, texts: list[str]) -> list[Integers]:
    """The longest matches of texts whose characters are numbered in their order."""
    numbers = {character: n for n, character in enumerate(sorted(set(train).union(*texts)))}
    ids = [np.array([numbers[c] for c in text], dtype=np.int64) for text in (train, *texts)]
    return longest_matches(ids[0], ids[1:])


def novel_grams(train: str, text: str, n: int) -> tuple[int, int]:
    written = generated("s", [text], train)
    (read,) = with_matches([written], written.reference.corpus.train.numpy())
    found = novel(read, n)
    assert found is not None
    return int(found[0][0]), int(found[1][0])


def naive(train: str, text: str) -> list[int]:
    return [
        max(n for n in range(len(text) - i + 1) if text[i : i + n] in train)
        for i in range(len(text))
    ]


@settings(max_examples=200, deadline=None)
@given(st.text("ab\0", min_size=1, max_size=30), st.lists(small, max_size=4))
@example("a", ["", "a", "\0", "b"])
def test_matches_equal_a_naive_search(train: str, texts: list[str]) -> None:
    found = matches(train, texts)
    assert [each.tolist() for each in found] == [naive(train, text) for text in texts]


@pytest.mark.parametrize("size", [3, 300, 70_000])
def test_alphabets_of_any_size(size: int) -> None:
    generator = np.random.default_rng(size)
    letters = [chr(0x100 + i + 0x900 * (i >= 0xD700)) for i in range(size)]
    train = "".join(generator.choice(letters, 3000))
    texts = [train[100:150] + train[2000:2050], "".join(generator.choice(letters, 100))]
    assert [each.tolist() for each in matches(train, texts)] == [naive(train, t) for t in texts]


def test_copying_the_training_text_has_no_novelty() -> None:
    train = "the quick brown fox jumps over the lazy dog " * 3
    (found,) = matches(train, [train[10:80]])
    assert found.tolist() == list(range(70, 0, -1))
    assert [novel_grams(train, train[10:80], n)[0] for n in (1, 4, 32, 70)] == [0] * 4


def test_matches_do_not_run_over_the_end_of_a_text() -> None:
    found = matches("abcd", ["ab", "cd"])
    assert [each.tolist() for each in found] == [[2, 1], [2, 1]]


def test_novel_n_grams_by_hand() -> None:
    (found,) = matches("abcabd", ["abcxabd"])
    assert found.tolist() == [3, 2, 1, 0, 3, 2, 1]
    assert novel_grams("abcabd", "abcxabd", 3) == (3, 5)
    assert novel_grams("abcabd", "abcxabd", 8) == (0, 0)
