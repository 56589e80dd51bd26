"""Text generation: one batched, cached loop that serves all samplers at once.

Shapes: R rows (a row is one text), P prompts, T characters of a prompt, L characters of a text,
V vocabulary.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.decoding.blocks import REFERENCE, block_rows
from nextchar.decoding.cuda_graph import Captured
from nextchar.models.base import LanguageModel
from nextchar.models.cache import Cache, KeyValueCache, StaticCache
from nextchar.samplers import Sampler, choose, draw

Samplers = Sequence[Sampler] | Mapping[int, Sampler]
"""Samplers by the index that rows call them by."""


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
    `support_size` (characters of probability above zero) are of the sampler's distribution, NaN
    where it has none. `seconds` is what each sampler took to choose, without the model's steps; on
    a GPU, to queue the work. `block` is how many rows stepped together.
    """

    rows: Sequence[Row]
    ids: Tensor
    bits: Tensor
    entropy: Tensor
    support_size: Tensor
    seconds: dict[int, float]
    block: int


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
    samplers: Samplers,
    rows: Sequence[Row],
    *,
    length: int,
    seed: int,
    on_progress: Callable[[int], None],
    block_size: int | None = None,
) -> Texts:
    """Continue prompts [P, T] by `length` characters, a text for each row.

    `block_size` rows step together; by default as many as `block_rows` says. `on_progress` hears
    how many characters have been written so far. Raises ConfigError for a model, or a sampler,
    whose logits are no distribution.
    """
    model.eval()
    if block_size is None:
        block_size = block_rows(model, prompts, len(rows))
    parts = []
    seconds = {row.sampler: 0.0 for row in rows}
    for start in range(0, len(rows), block_size):
        block = rows[start : start + block_size]
        filled = [*block, *[block[-1]] * (block_size - len(block))]
        keys = np.stack(
            [noise(seed, row.prompt, row.sample, length, row.candidate) for row in filled]
        )

        def on_step(step: int, before: int = start * length, each: int = len(block)) -> None:
            on_progress(before + step * each)

        columns = _write(model, prompts, samplers, filled, torch.from_numpy(keys), seconds, on_step)
        parts.append([column[: len(block)].cpu() for column in columns])
    ids, bits, entropy, support_size = (torch.cat(column) for column in zip(*parts, strict=True))
    if bits.isnan().any():
        raise ConfigError("the logits of the model hold NaN: it has diverged")
    exact = [samplers[row.sampler].exact for row in rows]
    if broken := entropy.isnan().any(1).logical_and(torch.tensor(exact)).nonzero().tolist():
        label = samplers[rows[broken[0][0]].sampler].label
        raise ConfigError(f"decoding.samplers: {label}: its distribution holds NaN")
    return Texts(rows, ids, bits, entropy, support_size, seconds, block_size)


def _write(
    model: LanguageModel,
    prompts: Tensor,
    samplers: Samplers,
    rows: Sequence[Row],
    keys: Tensor,
    seconds: dict[int, float],
    on_step: Callable[[int], None],
) -> list[Tensor]:
    """One block under noise `keys` [R, L]: ids, bits, entropy and support size, each [R, L]."""
    length = keys.size(1)
    keys = keys.to(prompts.device)
    which = [row.prompt for row in rows]
    choices = Choices(samplers, rows, prompts[which], seconds)
    logits, cache = _prefill(model, prompts, which)
    chosen: Sequence[Tensor] = choices(logits, keys[:, 0])
    advance = _stepping(model, cache, choices, chosen[0], keys[:, 0])
    columns = [keys.new_empty(keys.shape, dtype=each.dtype) for each in chosen]
    for t in range(length):
        if t > 0:
            chosen = advance(chosen[0], keys[:, t])
        for column, values in zip(columns, chosen, strict=True):
            column[:, t] = values
        on_step(t + 1)
    return columns


def _prefill(model: LanguageModel, prompts: Tensor, which: Sequence[int]) -> tuple[Tensor, Cache]:
    """The logits [R, V] and the cache after the prompts of these indices, R of them.

    Rows that share a prompt have it read once, which saves more memory than time: reading holds
    the activations of all characters at once.
    """
    unique, places = torch.unique(torch.tensor(which), return_inverse=True)
    size = block_rows(model, prompts, len(unique))
    if not len(unique) <= size < len(which):
        return model.prefill(prompts[which])
    filled = [*unique.tolist(), *[which[0]] * (size - len(unique))]
    logits, cache = model.prefill(prompts[filled])
    places = places.to(prompts.device)
    return logits[places], cache.reorder(places)


def _stepping(
    model: LanguageModel, cache: Cache, choices: Choices, ids: Tensor, noises: Tensor
) -> Callable[[Tensor, Tensor], Sequence[Tensor]]:
    """What reads the last ids [R] and chooses the next ones under noises [R].

    On a GPU, our transformer's step and all choices are one CUDA graph; samplers with a memory,
    whose work grows with the text, or without a distribution choose outside of it.
    """
    if not (ids.is_cuda and isinstance(cache, KeyValueCache)):
        return lambda ids, noises: choices(model.step(ids, cache), noises)
    static = StaticCache.of(cache)
    changed = (static.recent, static.length)
    if choices.static:
        return Captured(
            lambda ids, noises: choices(model.step(ids, static), noises),
            ids,
            noises,
            changed=changed,
        )
    step = Captured(lambda ids: [model.step(ids, static)], ids, changed=changed)
    return lambda ids, noises: choices(step(ids)[0], noises)


class Choices:
    """What every sampler chooses for its rows of a block, and what is measured of it."""

    def __init__(
        self, samplers: Samplers, rows: Sequence[Row], read: Tensor, seconds: dict[int, float]
    ) -> None:
        """Rows that have read [R, T]; what each sampler takes is added to its `seconds`."""
        self._samplers, self._seconds = samplers, seconds
        self._places = {
            index: torch.tensor(
                [i for i, row in enumerate(rows) if row.sampler == index], device=read.device
            )
            for index in sorted({row.sampler for row in rows})
        }
        self._order = torch.cat(list(self._places.values())).argsort()
        self._states = {
            index: samplers[index].start(read[at])
            for index, at in self._places.items()
            if samplers[index].has_memory
        }

    @property
    def static(self) -> bool:
        """Whether every step is the same work on the device, whatever was written before."""
        exact = all(self._samplers[index].exact for index in self._places)
        return exact and not self._states

    def __call__(self, logits: Tensor, noises: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Ids, bits, entropy and support size, each [R], from logits [R, V] under noises [R]."""
        all_ids, distributions = [], []
        for index, at in self._places.items():
            clock = time.perf_counter()
            sampler, given, state = self._samplers[index], logits[at], self._states.get(index)
            if sampler.exact:
                distribution = sampler.distribution(given, state)
                ids = draw(distribution, noises[at])
            else:
                distribution = torch.full_like(given, torch.nan, dtype=torch.float64)
                ids = choose(sampler, given, noises[at])
            if state is not None:
                self._states[index] = sampler.advance(state, given, ids)
            self._seconds[index] += time.perf_counter() - clock
            all_ids.append(ids)
            distributions.append(distribution)
        # In the order of the rows again: on a GPU, writing to places would wait for the device.
        chosen = torch.cat(all_ids)[self._order]
        probabilities = torch.cat(distributions)[self._order]
        log_model = F.log_softmax(logits.double(), dim=-1)
        log_chosen = log_model.gather(-1, chosen[:, None]).squeeze(-1)
        entropy = torch.special.entr(probabilities).sum(-1)
        # Of NaN, where there is no distribution, nothing is greater than zero.
        support_size = (probabilities > 0).sum(-1).where(entropy.isfinite(), torch.nan).double()
        return chosen, -log_chosen / math.log(2), entropy / math.log(2), support_size


@torch.no_grad()
def score_bits(model: LanguageModel, prompts: Tensor, texts: Tensor) -> Tensor:
    """-log2 of the model's probability of each character of texts [R, L] after prompts [R, T]."""
    columns = []
    for part in range(0, len(texts), REFERENCE):
        rows = slice(part, part + REFERENCE)
        bits = [
            -F.log_softmax(logits.double(), -1).gather(-1, texts[rows, t, None])
            for t, logits in enumerate(teacher_forced_logits(model, prompts[rows], texts[rows]))
        ]
        columns.append(torch.cat(bits, dim=1).cpu() / math.log(2))
    return torch.cat(columns)


@torch.no_grad()
def teacher_forced_logits(model: LanguageModel, prompts: Tensor, texts: Tensor) -> Iterator[Tensor]:
    """The logits [R, V] before each character of texts [R, L] after prompts [R, T], as generation
    would have them."""
    model.eval()
    logits, cache = model.prefill(prompts)
    yield logits
    for t in range(texts.size(1) - 1):
        logits = model.step(texts[:, t], cache)
        yield logits
