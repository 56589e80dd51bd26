"""Min-p sampling: choose among characters at least min_p times as probable as the best one.

    P'(x = i) = P(x = i) / Z  for P(x = i) >= min_p * max_j P(x = j);  0 elsewhere

Nguyen et al. 2024, 2407.01082. The bound is compared with exp(l_i - max_j l_j), in which neither
side has been rounded by a normalisation; equality passes.
"""

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, Sampler
from nextchar.samplers.operations import at_least


class MinPSampler(Sampler):
    """Mask what is improbable beside the best; 0 keeps everything, 1 the best and its equals."""

    name = "min_p"
    rank = 3
    grid = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.005, 0.001)

    def __init__(self, min_p: float, sampler: Inner = None) -> None:
        super().__init__(sampler)
        require(0 <= min_p <= 1, self.name, min_p, "must lie in [0, 1]; 0 keeps every character")
        self.min_p = min_p

    def warp(self, logits: Tensor) -> Tensor:
        relative = torch.exp(logits - logits.amax(-1, keepdim=True))
        return at_least(logits, relative >= self.min_p)
