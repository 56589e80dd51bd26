"""metrics=full: self-BLEU against sacrebleu, Zipf, divergence, layout, sets and references."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU
from shapes import generated

from nextchar.metrics import layout, style
from nextchar.metrics.catalog import TEXT_KINDS, defined
from nextchar.metrics.copying import with_matches
from nextchar.metrics.estimators import Floats, Integers, RatioEstimator, pseudo_values
from nextchar.metrics.judge import Judge
from nextchar.metrics.measure import text_sums
from nextchar.metrics.self_bleu import self_bleu
from nextchar.metrics.texts import held_out

words = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=14)


@settings(max_examples=60, deadline=None)
@given(st.lists(words, min_size=2, max_size=5), st.sampled_from([2, 4, 5]))
def test_self_bleu_is_sacrebleus(texts: list[list[str]], order: int) -> None:
    metric = BLEU(max_ngram_order=order, smooth_method="floor", smooth_value=0.1, tokenize="none")
    for index, score in enumerate(self_bleu(texts, order)):
        if len(texts[index]) < order:
            assert score is None
            continue
        others = [" ".join(text) for place, text in enumerate(texts) if place != index]
        theirs = metric.sentence_score(" ".join(texts[index]), others)
        # sacrebleu gives no score at all where not even a word is found.
        if theirs.counts[0]:
            assert score == pytest.approx(theirs.score / 100)


def test_self_bleu_of_equal_texts_is_one_and_of_one_text_nothing() -> None:
    text = ["to", "be", "or", "not", "to", "be"]
    assert self_bleu([text, text, text], 4) == pytest.approx([1.0] * 3)
    assert self_bleu([text], 4) == [None]


def test_zipf_of_a_power_law_is_its_exponent() -> None:
    ranks = np.arange(1, 300)
    for exponent in (0.5, 1.0, 1.7):
        assert style.zipf(1e9 * ranks**-exponent) == pytest.approx(exponent)
    assert style.zipf(np.full(50, 3.0)) == pytest.approx(0)
    assert math.isnan(style.zipf(np.array([4.0])))


def test_zipf_of_texts_counts_their_words() -> None:
    texts = generated("s", ["a a a a b b  ", "a a a a b b c"], "a")
    expected = style.zipf(np.array([8.0, 4.0, 1.0]))
    assert style.zipf_slope(texts).mean() == pytest.approx(expected)


def jensen_shannon(texts: list[str], reference: list[str], n: int) -> float:
    def shares(pieces: list[str]) -> dict[str, float]:
        counts = Counter(p[i : i + n] for p in pieces for i in range(len(p) - n + 1))
        return {gram: count / sum(counts.values()) for gram, count in counts.items()}

    p, q = shares(texts), shares(reference)
    total = 0.0
    for gram in p.keys() | q.keys():
        a, b = p.get(gram, 0.0), q.get(gram, 0.0)
        m = (a + b) / 2
        total += (a * math.log2(a / m) if a else 0) / 2 + (b * math.log2(b / m) if b else 0) / 2
    return total


some = st.lists(st.text("abc", min_size=3, max_size=12), min_size=2, max_size=5)


@given(some, some, st.integers(1, 3))
def test_divergence_equals_its_definition_and_so_do_its_pseudo_values(
    texts: list[str], reference: list[str], n: int
) -> None:
    beside = generated("s", ["a"], "abc", held_out=reference).reference
    found = style.divergence_pseudo_values(texts, style.gram_shares(beside, n), n)
    whole = jensen_shannon(texts, reference, n)
    assert found.mean() == pytest.approx(whole, abs=1e-12)
    without = np.array(
        [jensen_shannon(texts[:i] + texts[i + 1 :], reference, n) for i in range(len(texts))]
    )
    assert found.tolist() == pytest.approx(pseudo_values(whole, without).tolist())
    assert 0 - 1e-12 <= whole <= 1 + 1e-12


def test_divergence_at_its_ends() -> None:
    reference = generated("s", ["a"], "abc", held_out=["abcabc"]).reference
    shares = style.gram_shares(reference, 2)
    for texts, expected in ((["abcabc"] * 3, 0), (["xyzx", "zyxz"], 1), (["a", "b"], math.nan)):
        found = style.divergence_pseudo_values(texts, shares, 2)
        assert found.mean() == pytest.approx(expected, nan_ok=True)


def test_the_pseudo_values_of_a_mean_are_the_values() -> None:
    values = np.array([1.0, 4.0, 2.0, 9.0])
    without = (values.sum() - values) / 3
    assert pseudo_values(values.mean(), without).tolist() == pytest.approx(values.tolist())


PLAY = "end.\n\nROMEO:\nBut soft,\nwhat light\n\nJULIET:\nO\n\nNow:\nAy me:\nThe en"


def test_lines_and_headings() -> None:
    assert layout.lines(PLAY)[:3] == ["", "ROMEO:", "But soft,"]
    assert layout.headings(PLAY) == ["ROMEO", "JULIET", "Now"]
    assert layout.lines("no newline") == layout.headings("A:") == []
    assert layout.headings("\n\nCut off:") == []


class Flat(Judge):
    """A judge to whom every character is worth 2.5 bits."""

    def __init__(self) -> None:
        pass

    def bits(self, ids: Integers, start: int) -> Floats:
        return np.full((len(ids), ids.shape[1] - start), 2.5)


def rows(texts: list[str], prompts: list[int], train: str = "xyz") -> dict[str, RatioEstimator]:
    written = generated("s", texts, train, prompts=prompts, held_out=["abab"], judge=Flat())
    read = with_matches([written], written.reference.corpus.train.numpy())
    definitions = defined(kinds=TEXT_KINDS, level="full")
    return {each.metric: each for each in text_sums(definitions, read, max(prompts) + 1)}


def test_sets_hold_one_text_a_prompt_so_more_samples_are_no_larger_set() -> None:
    first = ["the cat sat on the mat", "the dog sat on the mat", "a cow ran to the barn "]
    once = rows(first, [0, 1, 2])
    twice = rows([text for text in first for _ in range(2)], [0, 0, 1, 1, 2, 2])
    for name in ("self_bleu_4", "self_bleu_5", "zipf", "divergence_1", "divergence_3"):
        assert twice[name].value == pytest.approx(once[name].value), name
        assert twice[name].denominators.tolist() == [2, 2, 2]


def test_figures_of_texts_alone() -> None:
    text = "abcdefghijklmnop" * 2
    found = rows(
        [text, "\n\nA:\nto be or not to be or not\nx"], [0, 1], train="\n\nA:\nhm\n\n" + text
    )
    assert found["judge_bits"].value == 2.5
    assert found["novel_4"].numerators[0] == 0
    assert found["longest_copy"].numerators[0] == 32
    assert found["seq_rep_16"].numerators[0] == pytest.approx(1 - 16 / 17)
    assert found["seq_rep_4"].numerators[1] == pytest.approx(1 / 7)
    assert found["speaker_lines"].value == pytest.approx(1 / 2)
    assert found["known_speakers"].value == 1
    assert found["line_length"].value == pytest.approx((2 + len("to be or not to be or not")) / 2)


def test_human_text_is_not_held_against_itself() -> None:
    text = "0123456789" * 3
    assert held_out(text, [(20, 24), (2, 6)], least=3) == [text[6:20], text[24:]]
    assert held_out(text, [(0, 20), (10, 30)], least=1) == []
