"""No n-gram twice: a character that would complete an n-gram of the text so far is out.

    P'(x = i) = 0 if (x_{t-n+1}, ..., x_{t-1}, i) stands in x_{<t};  P(x = i) / Z elsewhere

Paulus, Xiong & Socher 2018, 1705.04304 (trigrams, in beam search). The whole text counts, the
prompt too. Where every possible character is out, none is: something must be chosen.
"""

from __future__ import annotations

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.history import MemorySampler
from nextchar.samplers.suffix_matches import Matches


class NoRepeatNgramSampler(MemorySampler):
    """Mask what would repeat n characters. Raises ValueError for n below 1 or not whole."""

    name = "no_repeat_ngram"

    def __init__(self, n: int, sampler: labml_nn.sampling.Sampler | None = None) -> None:
        super().__init__(sampler)
        if n != int(n) or n < 1:
            raise ValueError(f"no_repeat_ngram={n}: must be a whole number of at least 1")
        self.n = int(n)

    @property
    def value(self) -> int:
        return self.n

    def warp_after(self, logits: Tensor, memory: Matches) -> Tensor:
        repeated = memory.longest(logits.size(-1)) >= self.n - 1
        masked = logits.masked_fill(repeated, -torch.inf)
        stuck = masked.amax(-1, keepdim=True) == -torch.inf
        return torch.where(stuck, logits, masked)

    def _remember(self, prompts: Tensor) -> Matches:
        return Matches.of(prompts)

    def _learn(self, own: Matches, logits: Tensor, ids: Tensor) -> Matches:
        return own.then(ids)
