"""Mirostat 2: steer the surprise of the text towards a target, in bits per character.

    P'(x = i) = P(x = i) / Z  for -log2 P(x = i) <= mu;  0 elsewhere
    mu <- mu - rate * (-log2 P(x) - target)  after x was chosen;  mu = 2 * target at first

Basu et al. 2021, 2007.14966, algorithm 2. The surprise that is fed back is that under P, the
distribution before the cut, as in the authors' code: the text's own bits per character approach
the target (llama.cpp takes the surprise after the cut). Where mu cuts everything the best character
is kept, with its equals.
"""

import math

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, StatefulSampler
from nextchar.samplers.decoder import LARGEST
from nextchar.samplers.operations import at_least


class MirostatSampler(StatefulSampler):
    """Mask what is more surprising than mu, the memory, [R] in bits."""

    name = "mirostat"
    grid = (0.5, 0.8, 1.1, 1.4, 1.7, 2.0, 2.3, 2.6)
    state_uses_logits = True

    def __init__(self, target: float, rate: float = 0.1, sampler: Inner = None) -> None:
        super().__init__(sampler)
        bound = f"must be greater than 0 and at most {LARGEST:,}"
        require(0 < target <= LARGEST, self.name, target, bound)
        require(0 < rate <= LARGEST, f"{self.name} rate", rate, bound)
        self.target, self.rate = target, rate

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        return at_least(logits, _surprise(logits) <= memory[:, None])

    def remember(self, prompts: Tensor) -> Tensor:
        start = 2.0 * self.target
        return torch.full((len(prompts),), start, dtype=torch.float64, device=prompts.device)

    def update(self, memory: Tensor, logits: Tensor, ids: Tensor) -> Tensor:
        observed = _surprise(logits).gather(-1, ids[:, None]).squeeze(-1)
        return memory - self.rate * (observed - self.target)


def _surprise(logits: Tensor) -> Tensor:
    """-log2 of the softmax of logits [R, V]."""
    return -torch.log_softmax(logits, dim=-1) / math.log(2)
