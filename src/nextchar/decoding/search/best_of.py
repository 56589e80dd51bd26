"""Best of n: write n texts, keep the one that the model finds most probable.

    x = argmax_{j <= n} sum_t log P(x^j_t | x^j_<t)

P is the untouched model, whatever the samplers before it drew from. The first candidate is the
text that those samplers write alone, under the same noise. Samplers with a memory, and third-party
ones, may stand before it.

Shapes: R texts, n candidates, P prompts, T characters of a prompt, L characters of a text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from nextchar.decoding import engine
from nextchar.decoding.engine import Row
from nextchar.decoding.search.base import Search, whole
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler, TemperatureSampler


class BestOf(Search):
    """The likeliest of n texts. Raises ValueError for n below 1 or not whole."""

    name = "best_of"

    def __init__(self, n: int, sampler: Sampler | None = None) -> None:
        # Not the base's: any sampler will do, since whole texts are weighed by the model.
        self.before = sampler
        self.sampler = sampler or TemperatureSampler(1.0)
        self.n = whole("best_of", n)

    @property
    def value(self) -> int:
        return self.n

    def write(
        self,
        model: LanguageModel,
        prompts: Tensor,
        rows: Sequence[Row],
        *,
        length: int,
        seed: int,
        on_progress: Callable[[int], None],
    ) -> Tensor:
        candidates = [
            replace(row, sampler=0, candidate=candidate)
            for row in rows
            for candidate in range(self.n)
        ]
        texts = engine.generate(
            model,
            prompts,
            [self.sampler],
            candidates,
            length=length,
            seed=seed,
            on_progress=lambda characters: on_progress(characters // self.n),
        )
        bits = texts.bits.sum(1).view(len(rows), self.n)
        ids = texts.ids.view(len(rows), self.n, length)
        return ids[torch.arange(len(rows)), bits.argmin(1)]

    def _write(
        self, model: LanguageModel, prompts: Tensor, rows: Sequence[Row], length: int, seed: int
    ) -> Tensor:
        raise AssertionError("write is its own")
