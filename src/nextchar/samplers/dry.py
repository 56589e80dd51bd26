"""DRY, "don't repeat yourself": a penalty that grows with the length of the repetition.

    l'_i = l_i - multiplier * base^(m_i - allowed)  for m_i >= allowed;  l_i elsewhere
    m_i = the longest end of the text that stood before an earlier i

Weidmann 2024, https://github.com/oobabooga/text-generation-webui/pull/5677. The whole text counts,
the prompt too, and no character breaks a sequence (llama.cpp breaks them at newlines, colons,
quotes and asterisks). `allowed` is 2 tokens there, 8 characters here.
"""

from __future__ import annotations

import math

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.history import MemorySampler
from nextchar.samplers.suffix_matches import Matches

LARGEST = 1e9
"""Of a penalty: base^m leaves the floating-point numbers, and nothing is left of exp(-1e9)."""


class DrySampler(MemorySampler):
    """Lower the logits of what would go on with a repetition.

    Raises ValueError for a multiplier below 0, a base below 1, or an allowed length that is no
    whole number of at least 1.
    """

    name = "dry"

    def __init__(
        self,
        multiplier: float,
        base: float = 1.75,
        allowed: int = 8,
        sampler: labml_nn.sampling.Sampler | None = None,
    ) -> None:
        super().__init__(sampler)
        if not (math.isfinite(multiplier) and multiplier >= 0):
            raise ValueError(f"dry={multiplier}: must be finite and at least 0 (no penalty)")
        if not (math.isfinite(base) and base >= 1):
            raise ValueError(f"dry base={base}: must be finite and at least 1")
        if allowed != int(allowed) or allowed < 1:
            raise ValueError(f"dry allowed={allowed}: must be a whole number of at least 1")
        self.multiplier, self.base, self.allowed = multiplier, base, int(allowed)

    @property
    def value(self) -> float:
        return self.multiplier

    def warp_after(self, logits: Tensor, memory: Matches) -> Tensor:
        beyond = (memory.longest(logits.size(-1)) - self.allowed).double()
        penalty = (self.multiplier * torch.pow(self.base, beyond)).clamp(max=LARGEST)
        return torch.where(beyond >= 0, logits - penalty, logits)

    def _remember(self, prompts: Tensor) -> Matches:
        return Matches.of(prompts)

    def _learn(self, own: Matches, logits: Tensor, ids: Tensor) -> Matches:
        return own.then(ids)
