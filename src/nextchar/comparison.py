"""The comparison itself: every sampler continues the same prompts, and what it wrote is measured.

Shapes: P prompts, T characters of a prompt, L characters of a text, R texts (rows).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextchar import generation, progress
from nextchar.config import DecodingConfig
from nextchar.corpus import Corpus
from nextchar.generation import Row, Texts
from nextchar.methods import Method
from nextchar.metrics.generated import Written, measure
from nextchar.model import LanguageModel
from nextchar.results import HUMAN, Metric, Sample
from nextchar.samplers import Sampler
from nextchar.search import Search


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
    samplers: Sequence[Method],
    decoding: DecodingConfig,
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
    texts = _write(model, methods, prompts.to(device), decoding, seed)
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
    samplers: Sequence[Method],
    prompts: Tensor,
    decoding: DecodingConfig,
    seed: int,
) -> Texts:
    rows = [
        [
            Row(index, prompt, sample)
            for prompt in range(decoding.prompts)
            for sample in range(decoding.samples_per_prompt)
        ]
        for index in range(len(samplers))
    ]
    stepping = [each for each in samplers if isinstance(each, Sampler)]
    with progress.task("generating", sum(map(len, rows)) * decoding.length) as task:
        parts = []
        if stepping:
            at = [index for index, each in enumerate(samplers) if isinstance(each, Sampler)]
            texts = generation.generate(
                model,
                prompts,
                [each if isinstance(each, Sampler) else stepping[0] for each in samplers],
                [row for index in at for row in rows[index]],
                length=decoding.length,
                seed=seed,
                on_progress=task.update,
            )
            parts.append(texts)
        for index, each in enumerate(samplers):
            if isinstance(each, Search):
                done = sum(len(part.rows) for part in parts) * decoding.length

                def on_progress(characters: int, done: int = done) -> None:
                    task.update(done + characters)

                parts.append(
                    _search(model, each, prompts, rows[index], decoding.length, seed, on_progress)
                )
    return _joined(parts, len(samplers))


def _search(
    model: LanguageModel,
    search: Search,
    prompts: Tensor,
    rows: Sequence[Row],
    length: int,
    seed: int,
    on_progress: Callable[[int], None],
) -> Texts:
    """What a search wrote, weighed by the model (in its time, too); it has no distribution."""
    clock = time.perf_counter()
    ids = search.write(model, prompts, rows, length=length, seed=seed, on_progress=on_progress)
    read = prompts[[row.prompt for row in rows]]
    bits = generation.bits_of(model, read, ids.to(prompts.device))
    seconds = {rows[0].sampler: time.perf_counter() - clock}
    nothing = torch.full_like(bits, torch.nan)
    return Texts(rows, ids, bits, nothing, nothing, seconds)


def _joined(parts: Sequence[Texts], methods: int) -> Texts:
    """All texts, in the order in which their methods were asked for."""
    rows = [row for part in parts for row in part.rows]
    order = sorted(range(len(rows)), key=lambda i: rows[i].sampler)
    ids, bits, entropy, kept = (
        torch.cat([getattr(part, name) for part in parts])[order]
        for name in ("ids", "bits", "entropy", "kept")
    )
    seconds = dict.fromkeys(range(methods), 0.0)
    for part in parts:
        for index, taken in part.seconds.items():
            seconds[index] += taken
    return Texts([rows[i] for i in order], ids, bits, entropy, kept, seconds)


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


def _written(samplers: Sequence[Method], texts: Texts, samples: Sequence[Sample]) -> list[Written]:
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


def _speeds(samplers: Sequence[Method], texts: Texts, seconds: float) -> dict[str, Any]:
    """Seconds of the whole, and of each sampler: its own choosing, and its share of the model's.

    A search's own seconds hold the model's steps, which it takes alone.
    """
    characters = texts.ids.numel()
    own = [
        sum(row.sampler == index for row in texts.rows) * texts.ids.size(1)
        for index in range(len(samplers))
    ]
    together = [0 if isinstance(each, Search) else own[i] for i, each in enumerate(samplers)]
    shared = (seconds - sum(texts.seconds.values())) / max(sum(together), 1)
    speeds: dict[str, Any] = {
        "seconds": seconds,
        "characters_per_second": characters / seconds,
        "samplers": {},
    }
    for index, sampler in enumerate(samplers):
        taken = texts.seconds[index] + shared * together[index]
        speeds["samplers"][sampler.label] = {
            "choosing_seconds": texts.seconds[index],
            "seconds": taken,
            "characters_per_second": own[index] / taken,
        }
    return speeds
