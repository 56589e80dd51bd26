"""The metrics of plugins, tried on a few texts and positions before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from nextchar.config import DecodingConfig
from nextchar.data.corpus import Corpus
from nextchar.decoding.prompts import cut_prompts
from nextchar.metrics.catalog import TEXT_KINDS, defined
from nextchar.metrics.measure import terms, text_terms
from nextchar.metrics.positions import Distributions, Positions
from nextchar.metrics.texts import GeneratedTexts, ReferenceTexts

PROMPTS, SAMPLES = 3, 2
"""Texts of the trial: human text, twice after each of three prompts."""


def require(
    plugins: Sequence[str], corpus: Corpus, decoding: DecodingConfig, epsilon: float
) -> None:
    """Raise ConfigError, in one line, for a plugin's metric that fails or returns another shape."""
    definitions = [each for each in defined(plugins) if each.plugin is not None]
    if not definitions:
        return
    texts, found = _texts(corpus, decoding), _distributions(corpus, epsilon)
    for each in definitions:
        if each.kind in TEXT_KINDS:
            text_terms(each, texts)
        elif each.kind == "positions" or found.at.true is not None:
            terms(each, found, len(found.at.targets))


def _texts(corpus: Corpus, decoding: DecodingConfig) -> GeneratedTexts:
    before, human = cut_prompts(corpus.validation, decoding)
    prompts, samples = np.divmod(np.arange(min(PROMPTS, len(human)) * SAMPLES), SAMPLES)
    ids = human.numpy()[prompts]
    ones = np.ones(ids.shape)
    return GeneratedTexts(
        sampler="trial",
        prompts=prompts,
        samples=samples,
        prompt_ids=before.numpy()[prompts],
        ids=ids,
        bits=ones,
        reference=ReferenceTexts(corpus, [corpus.validation_text]),
        entropy=ones,
        support_size=ones,
    )


def _distributions(corpus: Corpus, epsilon: float) -> Distributions:
    n, V = min(len(corpus.validation), 10), len(corpus.vocabulary)
    uniform = torch.full((n, V), 1 / V, dtype=torch.float64)
    at = Positions(
        logits=torch.zeros(n, V),
        targets=corpus.validation[:n],
        starts=torch.arange(n),
        blocks=torch.zeros(n, dtype=torch.long),
        epsilon=epsilon,
        deciles=torch.arange(n),
        true=None if corpus.automaton is None else uniform,
    )
    return Distributions(uniform, at)
