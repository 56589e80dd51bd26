"""The comparison itself: every sampler continues the same prompts, and what it wrote is measured.

Shapes: P prompts, T characters of a prompt, L characters of a text, R texts (rows).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextchar import generation, progress
from nextchar.config import DecodingConfig
from nextchar.corpus import Corpus
from nextchar.generation import Row, Texts
from nextchar.metrics.generated import Written, measure
from nextchar.model import LanguageModel
from nextchar.results import HUMAN, Metric, Sample
from nextchar.samplers import Sampler


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to; `timings` in seconds and characters a second."""

    metrics: list[Metric]
    samples: list[Sample]
    timings: dict[str, Any]


def needed_validation(decoding: DecodingConfig) -> int:
    """Characters that the validation split must have: room for each prompt to start elsewhere."""
    return decoding.prompt_length + decoding.length + decoding.prompts


def cut_prompts(validation: Tensor, decoding: DecodingConfig) -> tuple[Tensor, Tensor]:
    """Prompts [P, T], evenly spaced over the split [N], and how it goes on, [P, L]: human text."""
    T, L, P = decoding.prompt_length, decoding.length, decoding.prompts
    starts = torch.arange(P) * (len(validation) - T - L) // max(P - 1, 1)
    pieces = validation[starts[:, None] + torch.arange(T + L)]
    return pieces[:, :T], pieces[:, T:]


def compare(
    model: LanguageModel,
    corpus: Corpus,
    samplers: Sequence[Sampler],
    decoding: DecodingConfig,
    seed: int,
) -> Comparison:
    """Let every sampler write, hold it against held-out text, and measure both alike."""
    device = next(model.parameters()).device
    prompts, human = cut_prompts(corpus.validation, decoding)
    started = time.perf_counter()
    texts = _write(model, samplers, prompts.to(device), decoding, seed)
    generated = time.perf_counter()
    human_bits = generation.bits_of(model, prompts.to(device), human.to(device))
    samples = [
        *_samples(corpus, [sampler.label for sampler in samplers], texts, prompts),
        *_human_samples(corpus, prompts, human, human_bits),
    ]
    metrics = measure(
        _written(samplers, texts, samples),
        corpus.train_text,
        prompts=decoding.prompts,
        resamples=decoding.resamples,
        seed=seed,
    )
    timings = {
        "generation": _speeds(samplers, texts, generated - started),
        "metrics": {"seconds": time.perf_counter() - generated},
    }
    return Comparison(metrics, samples, timings)


def _write(
    model: LanguageModel,
    samplers: Sequence[Sampler],
    prompts: Tensor,
    decoding: DecodingConfig,
    seed: int,
) -> Texts:
    rows = [
        Row(sampler, prompt, sample)
        for sampler in range(len(samplers))
        for prompt in range(decoding.prompts)
        for sample in range(decoding.samples_per_prompt)
    ]
    with progress.task("generating", len(rows) * decoding.length) as task:
        return generation.generate(
            model,
            prompts,
            samplers,
            rows,
            length=decoding.length,
            seed=seed,
            on_progress=task.update,
        )


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


def _human_samples(corpus: Corpus, prompts: Tensor, human: Tensor, bits: Tensor) -> list[Sample]:
    decode = corpus.vocabulary.decode
    return [
        Sample(HUMAN, prompt, 0, decode(prompts[prompt]), decode(ids), tuple(bits[prompt].tolist()))
        for prompt, ids in enumerate(human)
    ]


def _written(samplers: Sequence[Sampler], texts: Texts, samples: Sequence[Sample]) -> list[Written]:
    """Samples grouped by sampler, human text last, with what was measured of each choice."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.sampler, []).append(sample)
    indices = np.array([row.sampler for row in texts.rows])
    chosen = {
        sampler.label: indices == index for index, sampler in enumerate(samplers) if sampler.exact
    }
    return [
        Written(
            sampler=label,
            prompts=[sample.prompt for sample in group],
            texts=[sample.text for sample in group],
            bits=np.array([sample.bits for sample in group]),
            entropy=texts.entropy.numpy()[chosen[label]] if label in chosen else None,
            kept=texts.kept.numpy()[chosen[label]] if label in chosen else None,
        )
        for label, group in groups.items()
    ]


def _speeds(samplers: Sequence[Sampler], texts: Texts, seconds: float) -> dict[str, Any]:
    """Seconds of the whole, and of each sampler: its own choosing, and its share of the model's."""
    characters = texts.ids.numel()
    shared = seconds - sum(texts.seconds.values())
    speeds: dict[str, Any] = {
        "seconds": seconds,
        "characters_per_second": characters / seconds,
        "samplers": {},
    }
    for index, sampler in enumerate(samplers):
        own = sum(row.sampler == index for row in texts.rows) * texts.ids.size(1)
        taken = texts.seconds[index] + shared * own / characters
        speeds["samplers"][sampler.label] = {
            "choosing_seconds": texts.seconds[index],
            "seconds": taken,
            "characters_per_second": own / taken,
        }
    return speeds
