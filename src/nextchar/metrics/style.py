"""Style of a set of texts: Zipf's slope of its words, its n-grams beside those of held-out text.

A set is the texts of one sampler, one after each prompt. The value is that of the whole set; each
text contributes its jackknife pseudo-value. A bootstrap of the set itself would draw n-grams twice,
and so find a divergence that no set of texts has.

Shapes: R texts, G different n-grams.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain

import numpy as np

from nextchar.metrics.catalog import STYLE, metric
from nextchar.metrics.estimators import Floats, pseudo_values
from nextchar.metrics.texts import GeneratedTexts, ReferenceTexts

_set_metric = partial(metric, kind="sets", level="full", group=STYLE)

ZIPF_RANKS = 5000
"""How many of the most frequent words are used, as in Holtzman et al. 2020."""


def zipf(counts: Floats) -> float:
    """-1 times the slope of log frequency on log rank, by least squares over the top ranks.

    NaN with fewer than two different words. Words of equal frequency take successive ranks.
    """
    frequencies = np.sort(counts[counts > 0])[::-1][:ZIPF_RANKS]
    if len(frequencies) < 2:
        return float("nan")
    x = np.log(np.arange(1, len(frequencies) + 1))
    x -= x.mean()
    return float(-(x @ np.log(frequencies)) / (x @ x))


@_set_metric("zipf", "slope", "Zipf", "Zipf's slope", ("even", "few words rule"))
def zipf_slope(texts: GeneratedTexts) -> Floats:
    """How fast word frequency falls with rank, both logarithmic, in one text per prompt."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(chain(*texts.words)))}
    ids = [np.array([numbers[word] for word in text], dtype=np.int64) for text in texts.words]
    each = np.stack([np.bincount(own, minlength=len(numbers)) for own in ids])
    whole = each.sum(0)
    return pseudo_values(zipf(whole), np.array([zipf(whole - own) for own in each]))


def gram_shares(reference: ReferenceTexts, n: int) -> dict[str, float]:
    """Shares of the character n-grams of the held-out stretches; none runs over their edges."""
    counts = Counter(chain(*(_grams(piece, n) for piece in reference.held_out)))
    total = sum(counts.values())
    return {gram: count / total for gram, count in counts.items()}


def divergence_pseudo_values(texts: Sequence[str], shares: Mapping[str, float], n: int) -> Floats:
    """Jensen-Shannon divergence in bits (0 to 1) of the n-grams of R texts from the `shares` of a
    reference, as pseudo-values [R] whose mean is the divergence; NaN where there are none.

    JS = H((p + q) / 2) - H(p) / 2 - H(q) / 2 (Lin 1991). What p lacks counts q / 2, so only
    the n-grams of the texts are gone through, and leaving one out changes only its own.
    """
    each = [Counter(_grams(text, n)) for text in texts]
    sizes = np.array([counts.total() for counts in each], dtype=float)
    whole: Counter[str] = Counter()
    for counts in each:
        whole.update(counts)
    if not whole or not shares:
        return np.full(len(texts), np.nan)
    numbers = {gram: number for number, gram in enumerate(whole)}
    total = np.array(list(whole.values()), dtype=float)
    q = np.array([shares.get(gram, 0.0) for gram in whole])
    value = float(0.5 + 0.5 * _terms(total / sizes.sum(), q).sum())
    without = np.empty(len(texts))
    rests: dict[float, tuple[Floats, float]] = {}
    for index, counts in enumerate(each):
        rest = sizes.sum() - sizes[index]
        if rest == 0:
            return np.full(len(texts), value)
        if rest not in rests:
            terms = _terms(total / rest, q)
            rests[rest] = terms, float(terms.sum())
        terms, known = rests[rest]
        own = [numbers[gram] for gram in counts]
        left = (total[own] - np.array(list(counts.values()))) / rest
        change = _terms(left, q[own]).sum() - terms[own].sum()
        without[index] = 0.5 + 0.5 * (known + change)
    return pseudo_values(value, without)


@_set_metric(
    "divergence_{n}",
    "bits",
    "JS-{n}",
    "JS divergence, character {n}-grams",
    ("alike", "unlike"),
    n=(1, 2, 3, 4, 5),
    bounds=(0, 1),
)
def divergence(texts: GeneratedTexts, n: int) -> Floats:
    """Jensen-Shannon divergence between the character {n}-grams of one text per prompt and those of
    held-out text that is not among the human texts: 0 is alike, 1 has none in common."""
    return divergence_pseudo_values(texts.texts, texts.reference.derived(gram_shares, n), n)


def _terms(p: Floats, q: Floats) -> Floats:
    """p log2(p / m) + q log2(q / m) - q with m = (p + q) / 2: q alone would count q * 1 bit."""
    m = (p + q) / 2
    return _xlog(p, m) + _xlog(q, m) - q


def _xlog(x: Floats, m: Floats) -> Floats:
    logarithm = np.zeros_like(x)
    np.log2(x / np.where(m > 0, m, 1.0), out=logarithm, where=x > 0)
    return x * logarithm


def _grams(text: str, n: int) -> list[str]:
    return [text[i : i + n] for i in range(len(text) - n + 1)]
