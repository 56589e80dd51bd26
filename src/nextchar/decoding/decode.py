"""Every decoder writes its texts after the same prompts: samplers together, searches one by one.

Shapes: P prompts, T characters of a prompt, L characters of a text, R texts (rows).
"""

import time
from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor

from nextchar.config import DecodingConfig
from nextchar.decoding import engine
from nextchar.decoding.blocks import REFERENCE
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
    """What every decoder writes after prompts [P, T]: the samplers first, then the searches.

    A search's own seconds include those in which its bits under the model are computed.
    """
    keys = list(product(range(decoding.prompts), range(decoding.samples_per_prompt)))
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
            clock = time.perf_counter()
            rows = [Row(index, *key) for key in keys]
            ids = search.write(
                model, prompts, rows, length=decoding.length, seed=seed, on_progress=on_progress
            )
            read = prompts[[row.prompt for row in rows]]
            bits = engine.score_bits(model, read, ids.to(prompts.device))
            seconds = {index: time.perf_counter() - clock}
            unknown = torch.full_like(bits, torch.nan)
            parts.append(Texts(rows, ids, bits, unknown, unknown, seconds, REFERENCE))
    return _joined(parts)


def _joined(parts: Sequence[Texts]) -> Texts:
    rows = [row for part in parts for row in part.rows]
    ids, bits, entropy, support_size = (
        torch.cat([getattr(part, name) for part in parts])
        for name in ("ids", "bits", "entropy", "support_size")
    )
    seconds = {index: taken for part in parts for index, taken in part.seconds.items()}
    return Texts(rows, ids, bits, entropy, support_size, seconds, parts[0].block)


def copying(decoders: Sequence[Decoder], texts: Texts) -> list[str]:
    """The decoders whose samples of a prompt are all the same text, for every prompt."""
    found = []
    for index, decoder in enumerate(decoders):
        own: dict[int, set[tuple[int, ...]]] = {}
        samples = 0
        for row, ids in zip(texts.rows, texts.ids.tolist(), strict=True):
            if row.sampler == index:
                own.setdefault(row.prompt, set()).add(tuple(ids))
                samples = max(samples, row.sample + 1)
        if samples > 1 and all(len(written) == 1 for written in own.values()):
            found.append(decoder.label)
    return found


def speeds(decoders: Sequence[Decoder], texts: Texts, seconds: float) -> dict[str, Any]:
    """Seconds of the whole, and of each decoder: its own choosing, and its share of the model's.

    A search's own seconds include the model's steps, which no other decoder shares.
    """
    characters = texts.ids.numel()
    sharing = sum(isinstance(decoder, Sampler) for decoder in decoders)
    shared = (seconds - sum(texts.seconds.values())) / max(sharing, 1)
    speeds = {}
    for index, decoder in enumerate(decoders):
        own = texts.seconds[index]
        taken = own + (shared if isinstance(decoder, Sampler) else 0)
        speed = characters / len(decoders) / taken  # all write as many characters
        speeds[decoder.label] = {
            "choosing_seconds": own,
            "seconds": taken,
            "characters_per_second": speed,
        }
    return {"seconds": seconds, "characters_per_second": characters / seconds, "samplers": speeds}
