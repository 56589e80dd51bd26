"""Eta sampling: an epsilon that sinks where the model is unsure.

    P'(x = i) = P(x = i) / Z  for P(x = i) >= eta;  0 elsewhere
    eta = min(epsilon, sqrt(epsilon) * exp(-H(P)))

Hewitt, Manning & Liang 2022, 2210.15191, with their alpha = sqrt(epsilon) and H in nats. Where
none is as probable, the best is kept, with its equals.
"""

from __future__ import annotations

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.base import Sampler, at_least, entropy


class EtaSampler(Sampler):
    """Mask improbable characters. Raises ValueError for epsilon outside [0, 1); 0 keeps all."""

    name = "eta"

    def __init__(self, epsilon: float, sampler: labml_nn.sampling.Sampler | None = None) -> None:
        super().__init__(sampler)
        if not 0 <= epsilon < 1:
            raise ValueError(f"eta={epsilon}: must lie in [0, 1); 0 keeps every character")
        self.epsilon = epsilon

    @property
    def value(self) -> float:
        return self.epsilon

    def warp(self, logits: Tensor) -> Tensor:
        bound = (self.epsilon**0.5 * torch.exp(-entropy(logits))).clamp(max=self.epsilon)
        return at_least(logits, torch.softmax(logits, dim=-1) >= bound)
