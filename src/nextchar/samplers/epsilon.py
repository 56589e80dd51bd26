"""Epsilon sampling: choose among characters whose probability is at least epsilon.

    P'(x = i) = P(x = i) / Z  for P(x = i) >= epsilon;  0 elsewhere

Hewitt, Manning & Liang 2022, 2210.15191. Where none is as probable, the best is kept, with its
equals.
"""

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, Sampler
from nextchar.samplers.operations import at_least


class EpsilonSampler(Sampler):
    """Mask improbable characters; epsilon in [0, 1), 0 keeps all."""

    name = "epsilon"
    rank = 5
    grid = (0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001)

    def __init__(self, epsilon: float, sampler: Inner = None) -> None:
        super().__init__(sampler)
        bound = "must lie in [0, 1); 0 keeps every character"
        require(0 <= epsilon < 1, self.name, epsilon, bound)
        self.epsilon = epsilon

    def warp(self, logits: Tensor) -> Tensor:
        return at_least(logits, torch.softmax(logits, dim=-1) >= self.epsilon)
