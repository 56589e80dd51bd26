"""Samplers held against the grammar that wrote the corpus: on held-out text and along their own.

Shapes: R texts (one a prompt), T characters of a prompt, L characters of a text, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nextchar.data.corpus import Corpus
from nextchar.data.grammar.automaton import Integers
from nextchar.decoding import engine
from nextchar.metrics.estimators import PROMPTS, RatioEstimator
from nextchar.metrics.exact import Positions
from nextchar.metrics.ground_truth import (
    Truth,
    first_impossible,
    possible_sums,
    survival,
    truth_sums,
    written_sums,
)
from nextchar.metrics.statistics import Floats
from nextchar.models.base import LanguageModel
from nextchar.results import Possible, Sample
from nextchar.runtime import progress
from nextchar.samplers import Sampler

ROWS = 64
"""Texts that are read by the automaton together: a few megabytes of distributions."""


@dataclass(frozen=True)
class GroundTruthMetrics:
    """Metrics, and the share of texts still possible along their length."""

    sums: list[RatioEstimator]
    possible: list[Possible]


def ground_truth_metrics(
    model: LanguageModel,
    corpus: Corpus,
    samplers: Sequence[Sampler],
    samples: Sequence[Sample],
    at: Positions,
    truth: Truth,
    epsilon: float,
    weights: Mapping[str, Floats],
) -> GroundTruthMetrics:
    """Exact figures on held-out text; for each sampler and reference, whether its texts could have
    been written; and exact figures along each sampler's first text after each prompt."""
    prompts = weights[PROMPTS].shape[1]
    sums = truth_sums(samplers, at, truth, epsilon)
    possible: list[Possible] = []
    kinds = {sampler.label: sampler for sampler in samplers}
    labels = list(dict.fromkeys(sample.sampler for sample in samples))
    with progress.task("truth", len(labels)) as task:
        for done, label in enumerate(labels, 1):
            own = [sample for sample in samples if sample.sampler == label]
            parts = [own[start : start + ROWS] for start in range(0, len(own), ROWS)]
            died = np.concatenate([_died(truth, corpus, part) for part in parts])
            after = [sample.prompt for sample in own]
            length = len(own[0].text)
            sums += possible_sums(label, died, after, length, prompts)
            possible += survival(label, died, after, length, weights[PROMPTS])
            if label in kinds:
                firsts = [sample for sample in own if sample.sample == 0]
                sums += _along(model, corpus, kinds[label], firsts, truth, prompts, epsilon)
            task.update(done)
    return GroundTruthMetrics(sums, possible)


def _died(truth: Truth, corpus: Corpus, samples: Sequence[Sample]) -> Integers:
    """For each text the index of its first impossible character, its length if there is none."""
    true = truth.along(
        [sample.prompt_text for sample in samples], [sample.text for sample in samples]
    )
    ids = torch.stack([corpus.vocabulary.encode(sample.text) for sample in samples]).numpy()
    return first_impossible(true, ids)


def _along(
    model: LanguageModel,
    corpus: Corpus,
    sampler: Sampler,
    samples: Sequence[Sample],
    truth: Truth,
    prompts: int,
    epsilon: float,
) -> list[RatioEstimator]:
    encode = corpus.vocabulary.encode
    device = next(model.parameters()).device
    before = torch.stack([encode(sample.prompt_text) for sample in samples])
    texts = torch.stack([encode(sample.text) for sample in samples])
    steps = engine.teacher_forced_logits(model, before.to(device), texts.to(device))
    logits = torch.stack([step.cpu() for step in steps], dim=1)
    true = truth.along([s.prompt_text for s in samples], [s.text for s in samples])
    died = first_impossible(true, texts.numpy())
    after = [sample.prompt for sample in samples]
    return written_sums(sampler, logits, true, died, after, prompts, epsilon)
