"""Self-BLEU: how much the texts of a sampler share phrases (Zhu et al. 2018, 1802.01886).

    BLEU-n = min(1, exp(1 - r / h)) (prod_{i=1..n} p_i)^(1/n)

p_i is the share of the text's word i-grams that are in another text, each counted at most as often
as in the text that has it most; h is the text's number of words, r that of the reference whose
length is nearest (the shorter of two). A p_i of zero counts as 0.1 / the number of i-grams (NLTK's
method 1, sacrebleu's `floor`), as in Holtzman et al. 2020. Papineni et al. 2002.

The highest and second highest counts of an n-gram are enough for every text, so the cost is linear
in their number. R texts.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from functools import partial

from nextchar.metrics.catalog import COPYING, metric
from nextchar.metrics.texts import GeneratedTexts

FLOOR = 0.1

_set_metric = partial(metric, kind="sets", level="full", group=COPYING)


@_set_metric(
    "self_bleu_{n}", "ratio", "self-\nBLEU-{n}", "self-BLEU-{n}", ("unlike", "alike"), n=(4, 5)
)
def self_bleu_of_set(texts: GeneratedTexts, n: int) -> list[float | None]:
    """BLEU of each text against all others of its sampler, up to {n} words."""
    return self_bleu(texts.words, n)


def self_bleu(texts: Sequence[Sequence[str]], order: int) -> list[float | None]:
    """BLEU of each of R texts (lists of words) against all the others, from 0 to 1.

    None for a text of fewer than `order` words, and where there is no other text.
    """
    counts = [
        [Counter(zip(*(text[i:] for i in range(n)), strict=False)) for n in range(1, order + 1)]
        for text in texts
    ]
    tops = [_tops([each[n] for each in counts]) for n in range(order)]
    lengths = sorted(map(len, texts))
    scores: list[float | None] = []
    for index, text in enumerate(texts):
        if len(text) < order or len(texts) < 2:
            scores.append(None)
            continue
        logarithm = 0.0
        for n, grams in enumerate(counts[index]):
            hits = 0
            for gram, count in grams.items():
                owner, most, second = tops[n][gram]
                hits += min(count, second if owner == index else most)
            logarithm += math.log((hits or FLOOR) / (len(text) - n))
        nearest = _nearest(lengths, len(text))
        scores.append(math.exp(logarithm / order + min(0.0, 1 - nearest / len(text))))
    return scores


def _tops(counters: Sequence[Counter[tuple[str, ...]]]) -> dict[tuple[str, ...], list[int]]:
    """For each n-gram: the text that has it most often, how often, and the most in any other."""
    tops: dict[tuple[str, ...], list[int]] = {}
    for index, grams in enumerate(counters):
        for gram, count in grams.items():
            top = tops.setdefault(gram, [index, 0, 0])
            if count > top[1]:
                top[:] = [index, count, top[1]]
            elif count > top[2]:
                top[2] = count
    return tops


def _nearest(lengths: Sequence[int], own: int) -> int:
    """The length nearest to `own` among the others; the shorter of two. `lengths` are sorted."""
    index = bisect_left(lengths, own)
    others = [*lengths[max(index - 1, 0) : index], *lengths[index + 1 : index + 2]]
    return min(others, key=lambda length: abs(length - own))
