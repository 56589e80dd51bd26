"""Top-n-sigma: choose among characters whose logit is within n standard deviations of the best.

    P'(x = i) = P(x = i) / Z  for l_i >= max_j l_j - n * sigma(l);  0 elsewhere

Tang et al. 2024, 2411.07641. The set does not depend on a temperature applied before. sigma is the
population's, over the characters that can still be chosen (as in llama.cpp; the authors' code
divides by V - 1).
"""

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, Sampler
from nextchar.samplers.operations import at_least


class TopNSigmaSampler(Sampler):
    """Mask what is far below the best; 0 keeps the best character and its equals."""

    name = "top_n_sigma"
    rank = 6
    grid = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)

    def __init__(self, n: float, sampler: Inner = None) -> None:
        super().__init__(sampler)
        require(n >= 0, self.name, n, "must be at least 0; the paper uses 1")
        self.n = n

    def warp(self, logits: Tensor) -> Tensor:
        below = logits.amax(-1, keepdim=True) - logits
        possible = below.isfinite()
        count = possible.sum(-1, keepdim=True)
        distance = below.where(possible, torch.zeros_like(below))
        mean = distance.sum(-1, keepdim=True) / count
        square = (distance - mean).square().where(possible, torch.zeros_like(below))
        sigma = (square.sum(-1, keepdim=True) / count).sqrt()
        # 0 * inf would be NaN: equal logits have no spread, and all of them are the best.
        bound = sigma * self.n if self.n < torch.inf else torch.full_like(sigma, torch.inf)
        return at_least(logits, possible & (below <= bound))
