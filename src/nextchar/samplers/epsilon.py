"""Epsilon sampling: choose among characters whose probability is at least epsilon.

    P'(x = i) = P(x = i) / Z  for P(x = i) >= epsilon;  0 elsewhere

Hewitt, Manning & Liang 2022, 2210.15191. Where none is as probable, the best is kept, with its
equals.
"""

from __future__ import annotations

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.base import Sampler, at_least


class EpsilonSampler(Sampler):
    """Mask improbable characters. Raises ValueError for epsilon outside [0, 1); 0 keeps all."""

    name = "epsilon"

    def __init__(self, epsilon: float, sampler: labml_nn.sampling.Sampler | None = None) -> None:
        super().__init__(sampler)
        if not 0 <= epsilon < 1:
            raise ValueError(f"epsilon={epsilon}: must lie in [0, 1); 0 keeps every character")
        self.epsilon = epsilon

    @property
    def value(self) -> float:
        return self.epsilon

    def warp(self, logits: Tensor) -> Tensor:
        return at_least(logits, torch.softmax(logits, dim=-1) >= self.epsilon)
