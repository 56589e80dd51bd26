"""The metrics of `metrics=full`, of generated text beside other texts: judge, style, copying.

What is measured of a text alone pools over all texts of a sampler; its Zipf slope, its n-grams and
how alike its texts are belong to a set of texts, one after each prompt, as human text is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from nextchar.metrics import layout, novelty, style
from nextchar.metrics import text as texts
from nextchar.metrics.bleu import self_bleu
from nextchar.metrics.estimators import RatioEstimator, clustered
from nextchar.metrics.generated import GeneratedTexts
from nextchar.metrics.sets import Term, by_set, mean

ORDERS = (1, 2, 3, 4, 5)
"""Lengths of the character n-grams that are compared with held-out text."""
BLEU_ORDERS = (4, 5)


@dataclass(frozen=True)
class ReferenceTexts:
    """What texts are held against: the training text, and stretches of held-out text."""

    train_text: str
    held_out: Sequence[str]


def full_sums(
    written: Sequence[GeneratedTexts], beside: ReferenceTexts, prompts: int
) -> list[RatioEstimator]:
    """Every such metric of every sampler and reference, as sums over the texts of a prompt."""
    every = [text for each in written for text in each.texts]
    found = novelty.matches(beside.train_text, every)
    grams = [style.Grams(beside.held_out, n) for n in ORDERS]
    speakers = frozenset(layout.headings(beside.train_text))
    rows = []
    for each in written:
        own, found = found[: len(each.texts)], found[len(each.texts) :]
        terms = [*_alone(each, speakers), *_copying(own), *_sets(each, grams)]
        for name, unit, over, under in terms:
            above, below = (clustered(side, each.prompts, prompts) for side in (over, under))
            rows.append(RatioEstimator(each.sampler, name, unit, above, below))
    return rows


def _alone(each: GeneratedTexts, speakers: frozenset[str]) -> Iterator[Term]:
    """Metrics of each text by itself."""
    if each.judged is not None:
        lengths = [each.judged.shape[1]] * len(each.judged)
        yield "judge_bits", "bits", each.judged.sum(1).tolist(), lengths
    words = [texts.words(text) for text in each.texts]
    for name, tokens, n in (("seq_rep_4", words, 4), ("seq_rep_16", map(list, each.texts), 16)):
        shares = [texts.distinct(of, n) for of in tokens]
        yield mean(name, "share", [None if share is None else 1 - share for share in shares])
    filled = [[line for line in layout.lines(text) if line] for text in each.texts]
    counts = [len(lines) for lines in filled]
    yield "line_length", "characters", [sum(map(len, lines)) for lines in filled], counts
    named = [layout.headings(text) for text in each.texts]
    yield "speaker_lines", "share", [len(names) for names in named], counts
    known = [sum(name in speakers for name in names) for names in named]
    yield "known_speakers", "share", known, [len(names) for names in named]


def _copying(found: Sequence[novelty.Integers]) -> Iterator[Term]:
    for n in novelty.LENGTHS:
        pairs = [novelty.novel(each, n) for each in found]
        yield f"novel_{n}", "share", [new for new, _ in pairs], [grams for _, grams in pairs]
    yield mean("longest_copy", "characters", [float(each.max(initial=0)) for each in found])


def _sets(each: GeneratedTexts, grams: Sequence[style.Grams]) -> Iterator[Term]:
    words = [texts.words(text) for text in each.texts]
    for order in BLEU_ORDERS:
        yield mean(
            f"self_bleu_{order}",
            "ratio",
            by_set(each.prompts, words, partial(self_bleu, order=order)),
        )
    yield mean("zipf", "slope", by_set(each.prompts, words, style.zipf_pseudo_values))
    for gram in grams:
        divergence = by_set(each.prompts, each.texts, gram.divergence)
        yield mean(f"divergence_{gram.n}", "bits", divergence)


def held_out(validation_text: str, pieces: Sequence[tuple[int, int]], least: int) -> list[str]:
    """The stretches of held-out text that no piece [start, end) covers, of `least` characters or
    more: human text must not be held against itself."""
    stretches, at = [], 0
    for start, end in [*sorted(pieces), (len(validation_text), len(validation_text))]:
        if start - at >= least:
            stretches.append(validation_text[at:start])
        at = max(at, end)
    return stretches
