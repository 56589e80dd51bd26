"""Locally typical sampling: choose among characters whose surprise is nearest to the expected one.

    P'(x = i) = P(x = i) / Z  for i in S;  0 elsewhere
    S = the smallest set with mass >= m, taken in the order of |-ln P(x = i) - H(P)|

Meister et al. 2022, 2202.00666. A character is kept when the mass of those before it is below m. Of
equally typical characters the more probable comes first, then the lower id. Alone of the samplers
that cut, this one may lose the most probable character: where it is far less surprising than the
rest, it is not typical.
"""

from __future__ import annotations

import labml_nn.sampling
import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.samplers.base import Sampler, descending, entropy, keep, running_sum


class TypicalSampler(Sampler):
    """Mask what lies outside the typical set. Raises ValueError for a mass outside (0, 1].

    1 keeps everything; one character is always kept.
    """

    name = "typical"

    def __init__(self, mass: float, sampler: labml_nn.sampling.Sampler | None = None) -> None:
        super().__init__(sampler)
        if not 0 < mass <= 1:
            raise ValueError(f"typical={mass}: must lie in (0, 1]; 1 keeps every character")
        self.mass = mass

    @property
    def value(self) -> float:
        return self.mass

    def warp(self, logits: Tensor) -> Tensor:
        if self.mass == 1:
            return logits
        ordered, order = descending(logits)
        surprise = -torch.log_softmax(ordered, dim=-1)
        _, nearest = torch.sort((surprise - entropy(ordered)).abs(), dim=-1, stable=True)
        mass = running_sum(torch.exp(-surprise).gather(-1, nearest))
        mass_before = F.pad(mass[..., :-1], (1, 0))
        return keep(logits, order.gather(-1, nearest), mass_before < self.mass)
