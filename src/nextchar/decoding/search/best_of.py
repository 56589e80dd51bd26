"""Best of n: write n texts, keep the one that the model finds most probable.

    x = argmax_{j <= n} sum_t log P(x^j_t | x^j_<t)

P is the untouched model, whatever the samplers before it are. The first candidate is the text that
those samplers write alone, with the same noise. Any samplers may come before it.

Shapes: R texts, n candidates, P prompts, T characters of a prompt, L characters of a text.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from nextchar.decoding import engine
from nextchar.decoding.engine import Row
from nextchar.decoding.search.base import MOST_ROWS, Search
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler
from nextchar.samplers.decoder import whole

MOST_CANDIDATES = 8192
"""Of all texts together, which are held in memory until the best of each is known."""


class BestOf(Search):
    """The likeliest of n texts."""

    name = "best_of"
    grid = (16, 12, 8, 6, 4, 3, 2, 1)
    takes_any_sampler = True

    def __init__(self, n: int, sampler: Sampler | None = None) -> None:
        super().__init__(sampler)
        self.n = whole(self.name, n, most=MOST_ROWS)

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
        together = max(MOST_CANDIDATES // self.n, 1)
        best = []
        for start in range(0, len(rows), together):
            part = rows[start : start + together]

            def on_candidates(characters: int, before: int = start * length) -> None:
                on_progress(before + characters // self.n)

            texts = engine.generate(
                model,
                prompts,
                [self.step_sampler],
                [replace(row, sampler=0, candidate=j) for row in part for j in range(self.n)],
                length=length,
                seed=seed,
                on_progress=on_candidates,
            )
            bits = texts.bits.sum(1).view(len(part), self.n)
            ids = texts.ids.view(len(part), self.n, length)
            best.append(ids[torch.arange(len(part)), bits.argmin(1)])
        return torch.cat(best)
