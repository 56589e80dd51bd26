"""No n-gram twice: a character that would complete an n-gram of the text so far is banned.

    P'(x = i) = 0 if (x_{t-n+1}, ..., x_{t-1}, i) stands in x_{<t};  P(x = i) / Z elsewhere

Paulus, Xiong & Socher 2018, 1705.04304 (trigrams, in beam search). The whole text counts, the
prompt too.
"""

import torch
from torch import Tensor

from nextchar.samplers.base import Inner
from nextchar.samplers.decoder import whole
from nextchar.samplers.suffix_matches import Matches, MatchingSampler


class NoRepeatNgramSampler(MatchingSampler):
    """Mask what would repeat n characters.

    Where every possible character would be banned, none is: something must be chosen.
    """

    name = "no_repeat_ngram"
    grid = (16, 12, 10, 8, 7, 6, 5, 4)

    def __init__(self, n: int, sampler: Inner = None) -> None:
        super().__init__(sampler)
        self.n = whole(self.name, n)

    def warp_after(self, logits: Tensor, memory: Matches) -> Tensor:
        repeated = memory.longest(logits.size(-1)) >= self.n - 1
        masked = logits.masked_fill(repeated, -torch.inf)
        stuck = masked.amax(-1, keepdim=True) == -torch.inf
        return torch.where(stuck, logits, masked)
