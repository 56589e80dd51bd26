"""Text is written: one batched, cached loop that serves all samplers at once.

Shapes: R rows (a row is one text), P prompts, T characters of a prompt, L characters of a text,
V vocabulary.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.model import LanguageModel
from nextchar.samplers import Sampler, choose, draw

BLOCK = 256
"""Rows that step together. A matrix product may round differently for another number of rows, so
every block has exactly this many (the last is filled up and the filling thrown away): a text then
does not depend on the company it is written in."""


@dataclass(frozen=True)
class Row:
    """Which text a row writes: indices of its sampler and prompt, and the sample's number.

    `candidate` tells texts apart of which one will become the sample.
    """

    sampler: int
    prompt: int
    sample: int
    candidate: int = 0


@dataclass(frozen=True)
class Texts:
    """What was written, and what was measured of each choice, all [R, L].

    `bits` is -log2 of the character's probability under the untouched model; `entropy` (bits) and
    `kept` (characters of probability above zero) are of the sampler's distribution, NaN where it
    has none. `seconds` is what each sampler took to choose, without the model's steps.
    """

    rows: Sequence[Row]
    ids: Tensor
    bits: Tensor
    entropy: Tensor
    kept: Tensor
    seconds: dict[int, float]


def noise(seed: int, prompt: int, sample: int, length: int, candidate: int = 0) -> np.ndarray:
    """The uniform numbers [L] that choose the characters of a text, the same for every sampler.

    Float64 in [0, 1), keyed by (seed, prompt, sample) alone; further candidates for one sample have
    numbers of their own.
    """
    return generator(seed, prompt, sample, candidate).random(length)


def generator(seed: int, prompt: int, sample: int, stream: int) -> np.random.Generator:
    """Numbers for a text. NumPy fills keys up with zeros: the last, above zero, keeps them apart
    from the keys of training, (seed, step)."""
    return np.random.default_rng((seed, prompt, sample, 1 + stream))


@torch.no_grad()
def generate(
    model: LanguageModel,
    prompts: Tensor,
    samplers: Sequence[Sampler],
    rows: Sequence[Row],
    *,
    length: int,
    seed: int,
    on_progress: Callable[[int], None],
) -> Texts:
    """Continue prompts [P, T] by `length` characters, a text for each row.

    `on_progress` hears how many characters have been written so far.
    """
    model.eval()
    parts = []
    seconds = dict.fromkeys(range(len(samplers)), 0.0)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        filled = [*block, *[block[-1]] * (BLOCK - len(block))]
        keys = np.stack(
            [noise(seed, row.prompt, row.sample, length, row.candidate) for row in filled]
        )

        def on_step(step: int, before: int = start * length, each: int = len(block)) -> None:
            on_progress(before + step * each)

        columns = _write(model, prompts, samplers, filled, torch.from_numpy(keys), seconds, on_step)
        parts.append([column[: len(block)].cpu() for column in columns])
    ids, bits, entropy, kept = (torch.cat(column) for column in zip(*parts, strict=True))
    return Texts(rows, ids, bits, entropy, kept, seconds)


def _write(
    model: LanguageModel,
    prompts: Tensor,
    samplers: Sequence[Sampler],
    rows: Sequence[Row],
    keys: Tensor,
    seconds: dict[int, float],
    on_step: Callable[[int], None],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One block under noise `keys` [R, L]: ids, bits, entropy and kept, each [R, L]."""
    device, length = prompts.device, keys.size(1)
    keys = keys.to(device)
    places = _places(rows, device)
    read = prompts[[row.prompt for row in rows]]
    states = {
        index: samplers[index].start(read[at])
        for index, at in places.items()
        if samplers[index].has_memory
    }
    ids = torch.empty_like(keys, dtype=torch.long)
    log_chosen, entropy, kept = (torch.empty_like(keys) for _ in range(3))
    logits, cache = model.prefill(read)
    for t in range(length):
        log_model = F.log_softmax(logits.double(), dim=-1)
        probabilities = torch.full_like(log_model, torch.nan)
        for index, at in places.items():
            clock = time.perf_counter()
            sampler, given, noises = samplers[index], logits[at], keys[at, t]
            if sampler.exact:
                probabilities[at] = sampler.distribution(given, states.get(index))
                ids[at, t] = draw(probabilities[at], noises)
            else:
                ids[at, t] = choose(sampler, given, noises)
            if index in states:
                states[index] = sampler.advance(states[index], given, ids[at, t])
            seconds[index] += time.perf_counter() - clock
        log_chosen[:, t] = log_model.gather(-1, ids[:, t, None]).squeeze(-1)
        entropy[:, t] = torch.special.entr(probabilities).sum(-1)
        # Of NaN, where there is no distribution, nothing is greater than zero.
        kept[:, t] = (probabilities > 0).sum(-1).where(entropy[:, t].isfinite(), torch.nan)
        on_step(t + 1)
        if t + 1 < length:
            logits = model.step(ids[:, t], cache)
    return ids, -log_chosen / math.log(2), entropy / math.log(2), kept


def _places(rows: Sequence[Row], device: torch.device) -> dict[int, Tensor]:
    """For each sampler of the block, the indices of its rows."""
    return {
        index: torch.tensor(
            [i for i, row in enumerate(rows) if row.sampler == index], device=device
        )
        for index in sorted({row.sampler for row in rows})
    }


@torch.no_grad()
def bits_of(model: LanguageModel, prompts: Tensor, texts: Tensor) -> Tensor:
    """-log2 of the model's probability of each character of texts [R, L] after prompts [R, T]."""
    columns = []
    for part in range(0, len(texts), BLOCK):
        rows = slice(part, part + BLOCK)
        bits = [
            -F.log_softmax(logits.double(), -1).gather(-1, texts[rows, t, None])
            for t, logits in enumerate(logits_along(model, prompts[rows], texts[rows]))
        ]
        columns.append(torch.cat(bits, dim=1).cpu() / math.log(2))
    return torch.cat(columns)


@torch.no_grad()
def logits_along(model: LanguageModel, prompts: Tensor, texts: Tensor) -> Iterator[Tensor]:
    """The logits [R, V] before each character of texts [R, L] after prompts [R, T], as generation
    would have them."""
    model.eval()
    logits, cache = model.prefill(prompts)
    yield logits
    for t in range(texts.size(1) - 1):
        logits = model.step(texts[:, t], cache)
        yield logits
