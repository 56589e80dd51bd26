"""How surprising the text is, to the model and to a judge, and how much choice there was."""

from __future__ import annotations

from functools import partial

import numpy as np

from nextchar.metrics.catalog import GENERATED, STYLE, metric
from nextchar.metrics.estimators import Floats
from nextchar.metrics.texts import GeneratedTexts

Sides = tuple[Floats, Floats]

_headline = partial(metric, group=GENERATED, headline=True)
_judged = partial(metric, group=STYLE, level="full")
_SURPRISE = ("predictable", "surprising")


def _per_character(values: Floats | None) -> Sides | None:
    """The mean over the characters of texts [R, L]."""
    return None if values is None else (values.sum(1), np.full(len(values), values.shape[1]))


@_headline("bits_per_character", "bits", "bits/\nchar", "bits per character", _SURPRISE)
def bits_per_character(texts: GeneratedTexts) -> Sides | None:
    """How surprising the generated text is to the untouched model, as −log₂ p averaged over its
    characters. Low is safe and dull, high is erratic."""
    return _per_character(texts.bits)


@_headline("entropy", "bits", ends=("decided", "open"))
def entropy(texts: GeneratedTexts) -> Sides | None:
    """Bits of choice left at a step: the entropy of the distribution that the sampler draws from,
    along its own text. Human text is not drawn from one, so it has none."""
    return _per_character(texts.entropy)


@_headline("kept_characters", "characters", "kept\nchars", "kept characters", ("few", "all"))
def kept_characters(texts: GeneratedTexts) -> Sides | None:
    """Characters with a probability above zero, averaged over the steps: how much of the alphabet
    the sampler keeps."""
    return _per_character(texts.support_size)


@_judged("judge_bits", "bits", "judge\nbits", "bits per character, n-gram judge", _SURPRISE)
def judge_bits(texts: GeneratedTexts) -> Sides | None:
    """How surprising the text is to a judge that is not the model: a character n-gram model with
    Kneser-Ney smoothing, fitted on the training text."""
    judge = texts.reference.judge
    if judge is None:
        return None
    whole = np.concatenate((texts.prompt_ids, texts.ids), axis=1)
    return _per_character(judge.bits(whole, start=texts.prompt_ids.shape[1]))
