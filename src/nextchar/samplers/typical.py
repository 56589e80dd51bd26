"""Locally typical sampling: choose among characters whose surprise is nearest to the expected one.

    P'(x = i) = P(x = i) / Z  for i in S;  0 elsewhere
    S = the smallest set with mass >= m, taken in the order of |-ln P(x = i) - H(P)|

Meister et al. 2022, 2202.00666. A character is kept when the mass of those before it is below m. Of
equally typical characters the more probable comes first, then the lower id. Unlike other samplers
that cut, this one may cut the most probable character: where it is far less surprising than the
rest, it is not typical.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, Sampler
from nextchar.samplers.operations import descending, entropy, keep, running_sum


class TypicalSampler(Sampler):
    """Mask what lies outside the typical set. Raises ConfigError for a mass outside (0, 1].

    1 keeps everything; one character is always kept.
    """

    name = "typical"
    rank = 4
    grid = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999)

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
        mass = running_sum(torch.exp(-surprise).gather(-1, nearest))
        mass_before = F.pad(mass[..., :-1], (1, 0))
        return keep(logits, order.gather(-1, nearest), mass_before < self.mass)
