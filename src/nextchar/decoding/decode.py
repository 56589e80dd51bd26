"""Every method writes its texts after the same prompts, samplers together, searches one by one.

Shapes: P prompts, T characters of a prompt, L characters of a text, R texts (rows).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from nextchar.config import DecodingConfig
from nextchar.decoding import engine
from nextchar.decoding.engine import Row, Texts
from nextchar.decoding.registry import Decoder
from nextchar.decoding.search import Search
from nextchar.models.base import LanguageModel
from nextchar.runtime import progress
from nextchar.samplers import Sampler


def decode_all(
    model: LanguageModel,
    samplers: Sequence[Decoder],
    prompts: Tensor,
    decoding: DecodingConfig,
    seed: int,
) -> Texts:
    """What every method writes after prompts [P, T], its own seconds with it."""
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
            texts = engine.generate(
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
    bits = engine.score_bits(model, read, ids.to(prompts.device))
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


def speeds(samplers: Sequence[Decoder], texts: Texts, seconds: float) -> dict[str, Any]:
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
