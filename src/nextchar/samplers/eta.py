"""Eta sampling: epsilon sampling with a threshold that is lower where the model is unsure.

    P'(x = i) = P(x = i) / Z  for P(x = i) >= eta;  0 elsewhere
    eta = min(epsilon, sqrt(epsilon) * exp(-H(P)))

Hewitt, Manning & Liang 2022, 2210.15191, with their alpha = sqrt(epsilon) and H in nats. Where
none is as probable, the best is kept, with its equals.
"""

import torch
from torch import Tensor

from nextchar.samplers.epsilon import EpsilonSampler
from nextchar.samplers.operations import at_least, entropy


class EtaSampler(EpsilonSampler):
    """Mask what is improbable, with a threshold that follows the entropy."""

    name = "eta"
    grid = EpsilonSampler.grid

    def warp(self, logits: Tensor) -> Tensor:
        bound = (self.epsilon**0.5 * torch.exp(-entropy(logits))).clamp(max=self.epsilon)
        return at_least(logits, torch.softmax(logits, dim=-1) >= bound)
