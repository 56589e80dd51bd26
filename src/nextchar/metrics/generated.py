"""Metrics of generated text, a figure and its interval for each sampler, and for human text.

Every metric is a ratio of two sums over texts, so that it has one bootstrap: a mean over texts has
ones below, a share of words counts words. Shapes: R texts, L characters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nextchar.metrics import text as texts
from nextchar.metrics.estimators import RatioEstimator, clustered
from nextchar.metrics.statistics import Floats

DISTINCT = (1, 2, 3, 4)
"""Lengths of the word n-grams whose diversity is measured."""


@dataclass(frozen=True)
class GeneratedTexts:
    """All texts of one sampler: prompt [R] says after which prompt each was written.

    `bits` is of each text's characters under the untouched model, [R, L]; `entropy` and `kept` are
    of the distributions they were drawn from, or None where there was no sampler: human text.
    `judged` is of the characters under the n-gram judge, where there is one.
    """

    sampler: str
    prompts: Sequence[int]
    texts: Sequence[str]
    bits: Floats
    entropy: Floats | None = None
    kept: Floats | None = None
    judged: Floats | None = None


Terms = tuple[Sequence[float], Sequence[float]]
"""Numerators and denominators, one of each a text."""


def core_sums(
    written: Sequence[GeneratedTexts], train_text: str, prompts: int
) -> list[RatioEstimator]:
    """Every core metric of every sampler as sums over the texts after each prompt."""
    known = frozenset(texts.words(train_text))
    return [
        RatioEstimator(
            each.sampler,
            name,
            unit,
            clustered(over, each.prompts, prompts),
            clustered(under, each.prompts, prompts),
        )
        for each in written
        for name, (unit, (over, under)) in _terms(each, known).items()
    ]


def _terms(written: GeneratedTexts, known: frozenset[str]) -> Mapping[str, tuple[str, Terms]]:
    """Metric to its unit and terms."""
    metrics: dict[str, tuple[str, Terms]] = {}
    for name, unit, columns in (
        ("bits_per_character", "bits", written.bits),
        ("entropy", "bits", written.entropy),
        ("kept_characters", "characters", written.kept),
    ):
        if columns is not None:
            metrics[name] = (unit, (columns.sum(1).tolist(), [columns.shape[1]] * len(columns)))
    words = [texts.words(text) for text in written.texts]
    for n in DISTINCT:
        metrics[f"distinct_{n}"] = (
            "ratio",
            _mean(words, lambda each, n=n: texts.distinct(each, n)),
        )
    metrics["loops"] = ("share", _mean(written.texts, texts.ends_in_loop))
    whole = [texts.whole_words(text) for text in written.texts]
    unknown = [sum(word not in known for word in each) for each in whole]
    metrics["unknown_words"] = ("share", (unknown, [len(each) for each in whole]))
    return metrics


def _mean(items: Sequence[object], of: Callable[..., float | None]) -> Terms:
    """The mean of `of` over the items for which it is defined."""
    values = [of(item) for item in items]
    return [value or 0.0 for value in values], [float(value is not None) for value in values]
