"""Nucleus (top-p) sampling: choose among the smallest set that holds the mass p.

    P'(x = i) = P(x = i) / sum_{j in N} P(x = j)  for i in N;  0 elsewhere
    N = the smallest set with sum_{j in N} P(x = j) >= p

Holtzman et al. 2020, 1904.09751. A character is kept when the mass of those before it, from the
most probable on, is below p: of (1/2, 1/4, 1/8, 1/8), p = 1/2 keeps one. Of equal logits at the
edge, those with the lower ids are kept.
"""

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, Sampler
from nextchar.samplers.operations import descending, keep_mass


class NucleusSampler(Sampler):
    """Mask what lies outside the nucleus; p in (0, 1], 1 keeps everything."""

    name = "top_p"
    rank = 2
    grid = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995)

    def __init__(self, p: float, sampler: Inner = None) -> None:
        super().__init__(sampler)
        require(0 < p <= 1, self.name, p, "must lie in (0, 1]; 1 keeps every character")
        self.p = p

    def warp(self, logits: Tensor) -> Tensor:
        if self.p == 1:
            return logits
        ordered, order = descending(logits)
        return keep_mass(logits, order, torch.softmax(ordered, dim=-1), self.p)
