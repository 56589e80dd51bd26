"""DRY, "don't repeat yourself": a penalty that grows with the length of the repetition.

    l'_i = l_i - multiplier * base^(m_i - allowed)  for m_i >= allowed;  l_i elsewhere
    m_i = the length of the longest end of the text that was followed by i before

Weidmann 2024, https://github.com/oobabooga/text-generation-webui/pull/5677. The whole text counts,
the prompt too, and no character breaks a sequence (llama.cpp breaks them at newlines, colons,
quotes and asterisks).
"""

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner
from nextchar.samplers.decoder import LARGEST, whole
from nextchar.samplers.suffix_matches import Matches, MatchingSampler


class DrySampler(MatchingSampler):
    """Lower the logits of what would continue a repetition, by 1e9 at most.

    `allowed` is 2 tokens in the original, 8 characters here.
    """

    name = "dry"
    grid = (0.1, 0.2, 0.4, 0.8, 1.2, 1.6, 2.4, 4.0)

    def __init__(
        self, multiplier: float, base: float = 1.75, allowed: int = 8, sampler: Inner = None
    ) -> None:
        super().__init__(sampler)
        bound = f"must be from 0 to {LARGEST:,}; 0 is no penalty"
        require(0 <= multiplier <= LARGEST, self.name, multiplier, bound)
        require(1 <= base <= LARGEST, "dry base", base, f"must be from 1 to {LARGEST:,}")
        self.multiplier, self.base, self.allowed = multiplier, base, whole("dry allowed", allowed)

    def warp_after(self, logits: Tensor, memory: Matches) -> Tensor:
        if self.multiplier == 0:  # 0 * inf would be NaN
            return logits
        beyond = (memory.longest(logits.size(-1)) - self.allowed).double()
        penalty = (self.multiplier * torch.pow(self.base, beyond)).clamp(max=LARGEST)
        return torch.where(beyond >= 0, logits - penalty, logits)
