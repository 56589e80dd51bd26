"""The comparison itself: every sampler continues the same prompts, and what it wrote is measured.

Shapes: P prompts, T characters of a prompt, L characters of a text, R texts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextchar import results
from nextchar.config import DecodingConfig, MetricsConfig
from nextchar.data.corpus import Corpus
from nextchar.decoding import engine
from nextchar.decoding.decode import copying, decode_all, speeds
from nextchar.decoding.engine import Texts
from nextchar.decoding.prompts import cut_prompts, human_pieces
from nextchar.decoding.registry import Decoder
from nextchar.decoding.search import Search
from nextchar.metrics import positions
from nextchar.metrics.catalog import TEXT_KINDS, Level, defined
from nextchar.metrics.copying import with_matches
from nextchar.metrics.differences import differences
from nextchar.metrics.estimators import BLOCKS, PROMPTS, RatioEstimator, cluster_weights, figures
from nextchar.metrics.family_figures import family_figures
from nextchar.metrics.ground_truth import Truth
from nextchar.metrics.judge import Judge
from nextchar.metrics.mauve import measure as mauve
from nextchar.metrics.measure import text_sums
from nextchar.metrics.positions import position_sums
from nextchar.metrics.survival import ground_truth_metrics, possible_rows
from nextchar.metrics.texts import GeneratedTexts, ReferenceTexts, held_out
from nextchar.metrics.truncation import truncation_rows, truncation_sums
from nextchar.models.base import LanguageModel
from nextchar.runtime.timing import Stopwatch
from nextchar.samplers import Sampler
from nextchar.samplers.registry import exact_families


@dataclass(frozen=True)
class Comparison:
    """The results of a comparison; `timings` in seconds and characters per second, `copying` the
    decoders whose samples of a prompt are all the same text."""

    metrics: list[results.Metric]
    differences: list[results.Difference]
    families: list[results.FamilyFigure]
    sums: list[RatioEstimator]
    samples: list[results.Sample]
    timings: dict[str, Any]
    rows_in_a_block: int
    copying: list[str]
    truncation: list[results.Truncation]
    possible: list[results.Possible]
    curve_sums: list[RatioEstimator]


def compare(
    model: LanguageModel,
    corpus: Corpus,
    decoders: Sequence[Decoder],
    decoding: DecodingConfig,
    metrics_config: MetricsConfig,
    seed: int,
    plugins: Sequence[str] = (),
) -> Comparison:
    """Let every decoder write, and measure its texts and human text alike."""
    prompts, _ = cut_prompts(corpus.validation, decoding)
    started = time.perf_counter()
    prepared = [
        each.prepared(corpus.train, len(corpus.vocabulary)) if isinstance(each, Search) else each
        for each in decoders
    ]
    device = next(model.parameters()).device
    written = decode_all(model, prepared, prompts.to(device), decoding, seed)
    generated = time.perf_counter()
    full = metrics_config.level == "full"
    level: Level | None = None if full else "core"
    clock = Stopwatch()
    with clock.part("references"):
        pieces = human_pieces(len(corpus.validation), decoding)
        between = held_out(corpus.validation_text, pieces, least=decoding.length)
        judge = (
            Judge(corpus.train.numpy(), len(corpus.vocabulary), metrics_config.judge_order)
            if full
            else None
        )
        reference = ReferenceTexts(corpus, between, judge)
        texts = [
            *_generated(decoders, written, prompts, reference),
            *_references(model, decoding, reference, seed),
        ]
    with clock.part("generated texts"):
        sums = text_sums(defined(plugins, kinds=TEXT_KINDS, level="core"), texts, decoding.prompts)
    if full:
        with clock.part("beside other texts"):
            texts = with_matches(texts, corpus.train.numpy())
            definitions = defined(plugins, kinds=TEXT_KINDS, level="full")
            sums += text_sums(definitions, texts, decoding.prompts)
    if metrics_config.frontier:
        with clock.part("frontier"):
            sums += mauve.sums(model, corpus, texts, decoding, metrics_config, seed)
    exact, samplers = _exact(decoders)
    with clock.part("held-out text, exactly"):
        at = positions.read(
            model,
            corpus.validation,
            most=metrics_config.positions,
            blocks=metrics_config.blocks,
            epsilon=metrics_config.epsilon,
        )
        definitions = defined(plugins, kinds=("positions",), level=level)
        sums += position_sums(definitions, samplers, at.chunks(), at.count)
    sizes = {PROMPTS: decoding.prompts, BLOCKS: at.count}
    weights = cluster_weights(sizes, metrics_config.resamples, seed)
    shown = [each for each in texts if each.sampler != results.HUMAN_TRAINING]
    curves: list[RatioEstimator] = []
    possible: list[RatioEstimator] = []
    if corpus.automaton is not None:
        with clock.part("truth"):
            truth = Truth(corpus.automaton, corpus.validation_text)
            definitions = defined(plugins, kinds=("truth",), level=level)
            sums += position_sums(definitions, samplers, truth.chunks(at), at.count)
            along, possible = ground_truth_metrics(
                model, exact, shown, truth, at.epsilon, decoding.prompts
            )
            sums += along
            curves = truncation_sums(at, truth, exact_families(samplers))
    with clock.part("intervals"):
        metrics = figures(sums, weights)
    with clock.part("differences"):
        pairs = differences(sums, weights)
    with clock.part("families"):
        families = family_figures(sums, metrics_config.resamples, seed)
    return Comparison(
        metrics=metrics,
        differences=pairs,
        families=families,
        truncation=truncation_rows(figures(curves, weights)),
        possible=possible_rows(figures(possible, weights)),
        curve_sums=[*curves, *possible],
        sums=sums,
        samples=[sample for each in shown for sample in _samples(each)],
        rows_in_a_block=written.block,
        copying=copying(decoders, written),
        timings={
            "generation": speeds(decoders, written, generated - started),
            "metrics": {"seconds": time.perf_counter() - generated, "parts": clock.parts},
        },
    )


def _exact(decoders: Sequence[Decoder]) -> tuple[list[Sampler], list[Sampler]]:
    """The samplers with an exact distribution, and those that can be followed along any text."""
    exact = [each for each in decoders if isinstance(each, Sampler) and each.exact]
    return exact, [each for each in exact if not each.has_feedback]


def _generated(
    decoders: Sequence[Decoder], written: Texts, prompts: Tensor, reference: ReferenceTexts
) -> Iterator[GeneratedTexts]:
    """What each decoder wrote after prompts [P, T], with what was measured of each choice."""
    rows = np.array([(row.sampler, row.prompt, row.sample) for row in written.rows])
    for index, decoder in enumerate(decoders):
        own = rows[:, 0] == index
        yield GeneratedTexts(
            sampler=decoder.label,
            prompts=rows[own, 1],
            samples=rows[own, 2],
            prompt_ids=prompts.numpy()[rows[own, 1]],
            ids=written.ids.numpy()[own],
            bits=written.bits.numpy()[own],
            reference=reference,
            entropy=written.entropy.numpy()[own] if decoder.exact else None,
            support_size=written.support_size.numpy()[own] if decoder.exact else None,
        )


def _references(
    model: LanguageModel, decoding: DecodingConfig, reference: ReferenceTexts, seed: int
) -> Iterator[GeneratedTexts]:
    """Texts that no sampler wrote, one for each prompt, with their bits: human text and, where
    there is a judge, training text and what the judge writes with the samplers' own noise."""
    prompts, human = cut_prompts(reference.corpus.validation, decoding)
    found = [(results.HUMAN, prompts, human)]
    if reference.judge is not None:
        noise = np.stack(
            [engine.noise(seed, prompt, 0, decoding.length) for prompt in range(len(prompts))]
        )
        drawn = torch.from_numpy(reference.judge.write(prompts.numpy(), noise))
        found += [
            (results.HUMAN_TRAINING, *cut_prompts(reference.corpus.train, decoding)),
            (results.JUDGE, prompts, drawn),
        ]
    device = next(model.parameters()).device
    for label, before, ids in found:
        bits = engine.score_bits(model, before.to(device), ids.to(device))
        yield GeneratedTexts(
            sampler=label,
            prompts=np.arange(len(ids)),
            samples=np.zeros(len(ids), dtype=np.int64),
            prompt_ids=before.numpy(),
            ids=ids.numpy(),
            bits=bits.numpy(),
            reference=reference,
        )


def _samples(texts: GeneratedTexts) -> list[results.Sample]:
    where = (texts.prompts.tolist(), texts.samples.tolist())
    bits = map(tuple, texts.bits.tolist())
    rows = zip(*where, texts.prompt_texts, texts.texts, bits, strict=True)
    return [results.Sample(texts.sampler, *row) for row in rows]
