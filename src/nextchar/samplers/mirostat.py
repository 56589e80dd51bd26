"""Mirostat 2: steer the surprise of the text towards a target, in bits a character.

    P'(x = i) = P(x = i) / Z  for -log2 P(x = i) <= mu;  0 elsewhere
    mu <- mu - rate * (-log2 P(x) - target)  after x was chosen;  mu = 2 * target at first

Basu et al. 2021, 2007.14966, algorithm 2. The surprise that is fed back is that under P, the
distribution before the cut, as in the authors' code: it is the text's own bits a character that
come to the target (llama.cpp takes it after the cut). Where mu cuts everything the best character
is kept, with its equals.
"""

from __future__ import annotations

import math

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.base import at_least
from nextchar.samplers.history import MemorySampler


class MirostatSampler(MemorySampler):
    """Mask what is more surprising than mu, which each row has for itself, [R] in bits.

    Raises ValueError for a target or a rate that is not above 0.
    """

    name = "mirostat"
    state_uses_logits = True

    def __init__(
        self,
        target: float,
        rate: float = 0.1,
        sampler: labml_nn.sampling.Sampler | None = None,
    ) -> None:
        super().__init__(sampler)
        for name, number in (("", target), (" rate", rate)):
            if not (math.isfinite(number) and number > 0):
                raise ValueError(f"mirostat{name}={number}: must be finite and greater than 0")
        self.target, self.rate = target, rate

    @property
    def value(self) -> float:
        return self.target

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        return at_least(logits, _surprise(logits) <= memory[:, None])

    def _remember(self, prompts: Tensor) -> Tensor:
        return torch.full(
            (len(prompts),), 2.0 * self.target, dtype=torch.float64, device=prompts.device
        )

    def _learn(self, own: Tensor, logits: Tensor, ids: Tensor) -> Tensor:
        observed = _surprise(logits).gather(-1, ids[:, None]).squeeze(-1)
        return own - self.rate * (observed - self.target)


def _surprise(logits: Tensor) -> Tensor:
    """-log2 of the softmax of logits [R, V]."""
    return -torch.log_softmax(logits, dim=-1) / math.log(2)
