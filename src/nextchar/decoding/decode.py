"""Every decoder writes its texts after the same prompts: samplers together, searches one by one.

Shapes: P prompts, T characters of a prompt, L characters of a text, R texts (rows).
"""

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
    decoders: Sequence[Decoder],
    prompts: Tensor,
    decoding: DecodingConfig,
    seed: int,
) -> Texts:
    """What every decoder writes after prompts [P, T], in their order, with their own seconds."""
    keys = [
        (prompt, sample)
        for prompt in range(decoding.prompts)
        for sample in range(decoding.samples_per_prompt)
    ]
    samplers = {i: each for i, each in enumerate(decoders) if isinstance(each, Sampler)}
    searches = {i: each for i, each in enumerate(decoders) if isinstance(each, Search)}
    parts: list[Texts] = []
    with progress.task("generating", len(decoders) * len(keys) * decoding.length) as task:

        def on_progress(characters: int) -> None:
            task.update(sum(part.ids.numel() for part in parts) + characters)

        if samplers:
            texts = engine.generate(
                model,
                prompts,
                samplers,
                [Row(index, *key) for index in samplers for key in keys],
                length=decoding.length,
                seed=seed,
                on_progress=on_progress,
            )
            parts.append(texts)
        for index, search in searches.items():
            rows = [Row(index, *key) for key in keys]
            parts.append(_search(model, search, prompts, rows, decoding.length, seed, on_progress))
    return _joined(parts)


def _search(
    model: LanguageModel,
    search: Search,
    prompts: Tensor,
    rows: Sequence[Row],
    length: int,
    seed: int,
    on_progress: Callable[[int], None],
) -> Texts:
    """What a search writes, and its bits under the model; its seconds include both."""
    clock = time.perf_counter()
    ids = search.write(model, prompts, rows, length=length, seed=seed, on_progress=on_progress)
    read = prompts[[row.prompt for row in rows]]
    bits = engine.score_bits(model, read, ids.to(prompts.device))
    seconds = {rows[0].sampler: time.perf_counter() - clock}
    unknown = torch.full_like(bits, torch.nan)
    return Texts(rows, ids, bits, unknown, unknown, seconds)


def _joined(parts: Sequence[Texts]) -> Texts:
    """All texts, in the order of their decoders."""
    rows = [row for part in parts for row in part.rows]
    order = sorted(range(len(rows)), key=lambda i: rows[i].sampler)
    ids, bits, entropy, support_size = (
        torch.cat([getattr(part, name) for part in parts])[order]
        for name in ("ids", "bits", "entropy", "support_size")
    )
    seconds = {index: taken for part in parts for index, taken in part.seconds.items()}
    return Texts([rows[i] for i in order], ids, bits, entropy, support_size, seconds)


def speeds(decoders: Sequence[Decoder], texts: Texts, seconds: float) -> dict[str, Any]:
    """Seconds of the whole, and of each decoder: its own choosing, and its share of the model's.

    A search's own seconds include the model's steps, which no other decoder shares.
    """
    each = texts.ids.numel() / len(decoders)  # all write as many characters
    sharing = sum(isinstance(decoder, Sampler) for decoder in decoders)
    shared = (seconds - sum(texts.seconds.values())) / max(sharing, 1)
    speeds = {}
    for index, decoder in enumerate(decoders):
        own = texts.seconds[index]
        taken = own + (shared if isinstance(decoder, Sampler) else 0)
        speeds[decoder.label] = {
            "choosing_seconds": own,
            "seconds": taken,
            "characters_per_second": each / taken,
        }
    return {
        "seconds": seconds,
        "characters_per_second": texts.ids.numel() / seconds,
        "samplers": speeds,
    }
