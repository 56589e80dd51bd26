"""The comparison itself: every sampler continues the same prompts, and what it wrote is measured.

Shapes: P prompts, T characters of a prompt, L characters of a text, R texts (rows).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextchar.config import DecodingConfig, MetricsConfig
from nextchar.data.corpus import Corpus
from nextchar.decoding import engine
from nextchar.decoding.decode import decode_all, speeds
from nextchar.decoding.engine import Texts
from nextchar.decoding.prompts import cut_prompts, human_pieces
from nextchar.decoding.registry import Decoder
from nextchar.decoding.search import Search
from nextchar.metrics import exact
from nextchar.metrics.differences import differences
from nextchar.metrics.estimators import BLOCKS, PROMPTS, cluster_weights, figures, stored
from nextchar.metrics.families import family_figures
from nextchar.metrics.full import ReferenceTexts, full_sums, held_out
from nextchar.metrics.generated import GeneratedTexts, core_sums
from nextchar.metrics.ground_truth import Truth, truncation
from nextchar.metrics.ground_truth_texts import ground_truth_metrics
from nextchar.metrics.judge import Judge
from nextchar.metrics.mauve import measure
from nextchar.models.base import LanguageModel
from nextchar.results import (
    HUMAN,
    HUMAN_TRAINING,
    JUDGE,
    Difference,
    FamilyFigure,
    Metric,
    Possible,
    Sample,
    StoredSums,
    Truncation,
)
from nextchar.runtime.timing import Stopwatch
from nextchar.samplers import Sampler
from nextchar.samplers.registry import curve_names


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to; `timings` in seconds and characters a second."""

    metrics: list[Metric]
    differences: list[Difference]
    truncation: list[Truncation]
    possible: list[Possible]
    families: list[FamilyFigure]
    sums: list[StoredSums]
    samples: list[Sample]
    timings: dict[str, Any]


def compare(
    model: LanguageModel,
    corpus: Corpus,
    samplers: Sequence[Decoder],
    decoding: DecodingConfig,
    measured: MetricsConfig,
    seed: int,
) -> Comparison:
    """Let every sampler write, hold it against held-out text, and measure both alike."""
    device = next(model.parameters()).device
    prompts, human = cut_prompts(corpus.validation, decoding)
    started = time.perf_counter()
    methods = [
        method.prepared(corpus.train, len(corpus.vocabulary))
        if isinstance(method, Search)
        else method
        for method in samplers
    ]
    texts = decode_all(model, methods, prompts.to(device), decoding, seed)
    generated = time.perf_counter()
    human_bits = engine.score_bits(model, prompts.to(device), human.to(device))
    samples = [
        *_samples(corpus, [sampler.label for sampler in samplers], texts, prompts),
        *_reference_samples(corpus, HUMAN, prompts, human, human_bits),
    ]
    clock = Stopwatch()
    with clock.part("generated text"):
        written = _written(samplers, texts, samples)
        sums = core_sums(written, corpus.train_text, decoding.prompts)
    beside: list[Sample] = []
    if measured.level == "full":
        with clock.part("n-gram judge"):
            judge = Judge(corpus.train.numpy(), len(corpus.vocabulary), measured.judge_order)
            beside = _beside(model, corpus, judge, prompts, decoding, seed)
            samples += [sample for sample in beside if sample.sampler == JUDGE]
            others = _written([], texts, beside)
            judged = _judged([*written, *others], [*samples, *beside], corpus, judge)
        with clock.part("beside other texts"):
            sums += core_sums(others, corpus.train_text, decoding.prompts)
            sums += full_sums(judged, _held_against(corpus, decoding), decoding.prompts)
    if measured.frontier:
        # The judge's texts are among the samples; the training text's are not.
        seen = [*samples, *(each for each in beside if each.sampler == HUMAN_TRAINING)]
        with clock.part("frontier"):
            sums += measure.sums(model, corpus, seen, decoding, measured, seed)
    lawful = _with_law(samplers)
    with clock.part("held-out text, exactly"):
        at = exact.read(model, corpus.validation, most=measured.positions, blocks=measured.blocks)
        sums += exact.exact_sums(lawful, at, measured.epsilon)
    clusters = {PROMPTS: decoding.prompts, BLOCKS: at.count}
    weights = cluster_weights(clusters, measured.resamples, seed)
    curves: list[Truncation] = []
    possible: list[Possible] = []
    if corpus.automaton is not None:
        with clock.part("truth"):
            truth = Truth(corpus.automaton, corpus.validation_text)
            held = ground_truth_metrics(
                model, corpus, lawful, samples, at, truth, measured.epsilon, weights
            )
            sums += held.sums
            curves = truncation(at, truth, curve_names(lawful), measured.epsilon, weights)
            possible = held.possible
    with clock.part("intervals"):
        metrics = figures(sums, weights)
    with clock.part("differences"):
        pairs = differences(sums, weights)
    with clock.part("families"):
        families = family_figures(sums, measured.resamples, seed)
    timings = {
        "generation": speeds(samplers, texts, generated - started),
        "metrics": {"seconds": time.perf_counter() - generated, "parts": clock.parts},
    }
    return Comparison(
        metrics,
        pairs,
        curves,
        possible,
        families,
        [stored(each) for each in sums],
        samples,
        timings,
    )


def _with_law(methods: Sequence[Decoder]) -> list[Sampler]:
    """Those whose distribution after a text is known from the model's logits there alone."""
    samplers = [each for each in methods if isinstance(each, Sampler)]
    return [each for each in samplers if each.exact and not each.has_memory]


def _samples(corpus: Corpus, labels: list[str], texts: Texts, prompts: Tensor) -> list[Sample]:
    decode = corpus.vocabulary.decode
    return [
        Sample(
            sampler=labels[row.sampler],
            prompt=row.prompt,
            sample=row.sample,
            prompt_text=decode(prompts[row.prompt]),
            text=decode(ids),
            bits=tuple(bits.tolist()),
        )
        for row, ids, bits in zip(texts.rows, texts.ids, texts.bits, strict=True)
    ]


def _reference_samples(
    corpus: Corpus, label: str, prompts: Tensor, ids: Tensor, bits: Tensor
) -> list[Sample]:
    """One text a prompt, not written by a sampler."""
    decode = corpus.vocabulary.decode
    return [
        Sample(label, index, 0, decode(prompt), decode(text), tuple(own.tolist()))
        for index, (prompt, text, own) in enumerate(zip(prompts, ids, bits, strict=True))
    ]


def _beside(
    model: LanguageModel,
    corpus: Corpus,
    judge: Judge,
    prompts: Tensor,
    decoding: DecodingConfig,
    seed: int,
) -> list[Sample]:
    """The references beside human text: training text, and what the judge writes."""
    device = next(model.parameters()).device
    noise = [engine.noise(seed, prompt, 0, decoding.length) for prompt in range(len(prompts))]
    drawn = torch.from_numpy(judge.write(prompts.numpy(), np.stack(noise)))
    samples = []
    for label, before, ids in (
        (HUMAN_TRAINING, *cut_prompts(corpus.train, decoding)),
        (JUDGE, prompts, drawn),
    ):
        bits = engine.score_bits(model, before.to(device), ids.to(device))
        samples += _reference_samples(corpus, label, before, ids, bits)
    return samples


def _judged(
    written: Sequence[GeneratedTexts], samples: Sequence[Sample], corpus: Corpus, judge: Judge
) -> list[GeneratedTexts]:
    """The same texts, with the bits of their characters under the judge."""
    before = {(sample.sampler, sample.prompt): sample.prompt_text for sample in samples}
    judged = []
    for each in written:
        whole = [
            before[each.sampler, prompt] + text
            for prompt, text in zip(each.prompts, each.texts, strict=True)
        ]
        ids = corpus.vocabulary.encode("".join(whole)).view(len(whole), -1).numpy()
        judged.append(replace(each, judged=judge.bits(ids, ids.shape[1] - each.bits.shape[1])))
    return judged


def _held_against(corpus: Corpus, decoding: DecodingConfig) -> ReferenceTexts:
    """The training text, and what lies between the pieces of human text in the validation split."""
    pieces = human_pieces(len(corpus.validation), decoding)
    between = held_out(corpus.validation_text, pieces, least=decoding.length)
    return ReferenceTexts(corpus.train_text, between)


def _written(
    samplers: Sequence[Decoder], texts: Texts, samples: Sequence[Sample]
) -> list[GeneratedTexts]:
    """Samples grouped by sampler, human text last, with what was measured of each choice."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.sampler, []).append(sample)
    indices = np.array([row.sampler for row in texts.rows])
    chosen = {
        sampler.label: indices == index for index, sampler in enumerate(samplers) if sampler.exact
    }
    return [
        GeneratedTexts(
            sampler=label,
            prompts=[sample.prompt for sample in group],
            texts=[sample.text for sample in group],
            bits=np.array([sample.bits for sample in group]),
            entropy=texts.entropy.numpy()[chosen[label]] if label in chosen else None,
            kept=texts.support_size.numpy()[chosen[label]] if label in chosen else None,
        )
        for label, group in groups.items()
    ]
