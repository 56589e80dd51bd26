"""Locally typical sampling: choose among characters whose surprise is nearest to the expected one.

    P'(x = i) = P(x = i) / Z  for i in S;  0 elsewhere
    S = the smallest set with mass >= m, taken in the order of |-ln P(x = i) - H(P)|

Meister et al. 2022, 2202.00666. A character is kept when the mass of those before it is below m. Of
equally typical ones the more probable comes first, then the lower id. The most probable character
may be cut: where it is far less surprising than the rest, it is not typical.
"""

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, Sampler
from nextchar.samplers.operations import descending, entropy, keep_mass


class TypicalSampler(Sampler):
    """Mask what lies outside the typical set; a mass in (0, 1], 1 keeps everything."""

    name = "typical"
    rank = 4
    grid = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995)

    def __init__(self, mass: float, sampler: Inner = None) -> None:
        super().__init__(sampler)
        require(0 < mass <= 1, self.name, mass, "must lie in (0, 1]; 1 keeps every character")
        self.mass = mass

    def warp(self, logits: Tensor) -> Tensor:
        if self.mass == 1:
            return logits
        ordered, order = descending(logits)
        surprise = -torch.log_softmax(ordered, dim=-1)
        _, nearest = torch.sort((surprise - entropy(ordered)).abs(), dim=-1, stable=True)
        probabilities = torch.exp(-surprise).gather(-1, nearest)
        return keep_mass(logits, order.gather(-1, nearest), probabilities, self.mass)
