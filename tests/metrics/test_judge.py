"""The n-gram judge: by hand, as a distribution, against a slow computation, and as a writer."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextchar.metrics.judge import Judge, _discounts


def ids(text: str, alphabet: str = "abc") -> np.ndarray:
    return np.array([alphabet.index(character) for character in text], dtype=np.int64)


def slow(text: str, alphabet: str, order: int, context: str, character: str) -> float:
    """Interpolated Kneser-Ney by its definition, over dictionaries."""

    def grams(n: int) -> Counter[str]:
        return Counter(text[i : i + n] for i in range(len(text) - n + 1))

    def counts(n: int) -> Counter[str]:
        if n == order:
            return grams(n)
        # Of a shorter n-gram: the different characters before it; at the very start there is none.
        found = Counter(gram[1:] for gram in grams(n + 1))
        for gram in grams(n):
            found.setdefault(gram, 0)
        return found

    probability = 1 / len(alphabet)
    for k in range(order):
        if k > len(context):
            break
        c = counts(k + 1)
        D = _discounts(np.array(list(c.values())))
        h = context[len(context) - k :]
        total = sum(c[h + x] for x in alphabet)
        if total == 0:
            # An unseen context; longer ones are unseen too, unless only the start is missing.
            continue
        freed = sum(D[min(c[h + x], 3)] for x in alphabet)
        own = c[h + character]
        probability = (own - D[min(own, 3)] + freed * probability) / total
    return probability


def test_unigrams_by_hand() -> None:
    """aab, order 1: counts 2 and 1; n_1 = n_2 = 1, n_3 = 0, so D = 1 / (1 + 2) throughout."""
    found = Judge(ids("aab"), 3, 1).distributions(np.zeros((1, 0), dtype=np.int64))[0]
    third = Fraction(1, 3)
    freed = 2 * third / 3
    expected = [(2 - third) / 3 + freed / 3, (1 - third) / 3 + freed / 3, freed / 3]
    assert found.tolist() == pytest.approx([float(p) for p in expected])
    assert sum(expected) == 1


def test_bigrams_by_hand() -> None:
    """abab, order 2: bigrams ab 2, ba 1, so D = 1/3. Of unigrams, a is preceded by b alone, b by a
    alone: 1 and 1, n_1 = 2 and n_2 = 0, so D = 1/2 and half of the mass goes to the uniform 1/3."""
    judge = Judge(ids("abab"), 3, 2)
    third = 1 / 3
    alone = [1 / 4 + 1 / 6, 1 / 4 + 1 / 6, 1 / 6]
    after_a = [alone[0] / 6, (2 - third) / 2 + alone[1] / 6, alone[2] / 6]
    after_b = [(1 - third) + third * alone[0], third * alone[1], third * alone[2]]
    found = judge.distributions(ids("ab")[:, None])
    assert found[0].tolist() == pytest.approx(after_a)
    assert found[1].tolist() == pytest.approx(after_b)
    assert judge.distributions(ids("c")[:, None])[0].tolist() == pytest.approx(alone)


def test_discounts_by_hand() -> None:
    """n_1..n_4 = 4, 2, 1, 1: Y = 1/2; D = 1 - 2 Y / 2, 2 - 3 Y / 2, 3 - 4 Y."""
    counts = np.array([1] * 4 + [2] * 2 + [3] + [4])
    assert _discounts(counts).tolist() == pytest.approx([0, 0.5, 1.25, 1.0])


texts = st.text("abc", min_size=8, max_size=60)


@settings(max_examples=60, deadline=None)
@given(texts, st.integers(1, 5), st.text("abc", max_size=7))
def test_it_is_a_distribution_and_equals_the_slow_one(text: str, order: int, context: str) -> None:
    judge = Judge(ids(text), 3, order)
    found = judge.distributions(ids(context)[None])[0]
    assert found.sum() == pytest.approx(1)
    assert found.min() > 0
    expected = [
        slow(text, "abc", order, context[-order + 1 :] if order > 1 else "", x) for x in "abc"
    ]
    assert found.tolist() == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(texts, st.integers(1, 5), st.text("abc", min_size=2, max_size=12), st.integers(0, 4))
def test_bits_are_those_of_the_distributions(text: str, order: int, read: str, start: int) -> None:
    judge, row = Judge(ids(text), 3, order), ids(read)
    start = min(start, len(read) - 1)
    expected = [
        -np.log2(judge.distributions(row[None, :t])[0, row[t]]) for t in range(start, len(read))
    ]
    assert judge.bits(row[None], start)[0].tolist() == pytest.approx(expected)


def test_what_it_writes_has_its_own_entropy() -> None:
    """Bits of 4,000 drawn characters against the entropy of their distributions: the mean of the
    difference has a standard error below 0.02, so 0.1 is five of them."""
    generator = np.random.default_rng(0)
    text = "".join(generator.choice(list("abc"), 3000, p=[0.6, 0.3, 0.1]))
    judge = Judge(ids(text), 3, 3)
    prompts = ids(text[:40]).reshape(20, 2)
    noise = generator.random((20, 200))
    written = judge.write(prompts, noise)
    assert np.array_equal(written, judge.write(prompts, noise))
    assert np.array_equal(written[:5, :50], judge.write(prompts[:5], noise[:5, :50]))
    whole = np.concatenate((prompts, written), axis=1)
    bits = judge.bits(whole, 2)
    entropy = np.zeros_like(bits)
    for t in range(200):
        p = judge.distributions(whole[:, : t + 2])
        entropy[:, t] = -(p * np.log2(p)).sum(1)
    assert bits.mean() == pytest.approx(entropy.mean(), abs=0.1)


def test_an_impossible_order_is_refused() -> None:
    for order in (0, 4):
        with pytest.raises(ValueError, match=rf"judge_order={order}: must be from 1 to the 3"):
            Judge(ids("abc"), 3, order)


def test_a_large_alphabet_does_not_overflow() -> None:
    generator = np.random.default_rng(0)
    row = generator.integers(0, 100_000, 500)
    bits = Judge(row, 100_000, 9).bits(row[None], 0)
    assert np.isfinite(bits).all()
    assert bits.mean() < 6
