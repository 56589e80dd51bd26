"""How surprising the text is, to the model and to a judge, and how much choice there was."""

from __future__ import annotations

import numpy as np

from nextchar.metrics.catalog import GENERATED, STYLE, metric
from nextchar.metrics.estimators import Floats
from nextchar.metrics.texts import GeneratedTexts

Sides = tuple[Floats, Floats]


def _per_character(values: Floats | None) -> Sides | None:
    """The mean over the characters of texts [R, L]."""
    return None if values is None else (values.sum(1), np.full(len(values), values.shape[1]))


@metric(
    "bits_per_character",
    unit="bits",
    short="bits/\nchar",
    long="bits per character",
    description="How surprising the generated text is to the untouched model, as −log₂ p averaged "
    "over its characters. Low is safe and dull, high is erratic.",
    ends=("predictable", "surprising"),
    group=GENERATED,
    headline=True,
)
def bits_per_character(texts: GeneratedTexts) -> Sides | None:
    return _per_character(texts.bits)


@metric(
    "entropy",
    unit="bits",
    short="entropy",
    long="entropy",
    description="Bits of choice left at a step: the entropy of the distribution that the sampler "
    "draws from, along its own text. Human text is not drawn from one, so it has none.",
    ends=("decided", "open"),
    group=GENERATED,
    headline=True,
)
def entropy(texts: GeneratedTexts) -> Sides | None:
    return _per_character(texts.entropy)


@metric(
    "kept_characters",
    unit="characters",
    short="kept\nchars",
    long="kept characters",
    description="Characters with a probability above zero, averaged over the steps: how much of "
    "the alphabet the sampler keeps.",
    ends=("few", "all"),
    group=GENERATED,
    headline=True,
)
def kept_characters(texts: GeneratedTexts) -> Sides | None:
    return _per_character(texts.support_size)


@metric(
    "judge_bits",
    level="full",
    unit="bits",
    short="judge\nbits",
    long="bits per character, n-gram judge",
    description="How surprising the text is to a judge that is not the model: a character n-gram "
    "model with Kneser-Ney smoothing, fitted on the training text.",
    ends=("predictable", "surprising"),
    group=STYLE,
)
def judge_bits(texts: GeneratedTexts) -> Sides | None:
    judge = texts.reference.judge
    if judge is None:
        return None
    whole = np.concatenate((texts.prompt_ids, texts.ids), axis=1)
    return _per_character(judge.bits(whole, start=texts.prompt_ids.shape[1]))
