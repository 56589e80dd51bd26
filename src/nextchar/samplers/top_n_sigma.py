"""Top-n-sigma: choose among characters whose logit lies within n standard deviations of the best.

    P'(x = i) = P(x = i) / Z  for l_i >= max_j l_j - n * sigma(l);  0 elsewhere

Tang et al. 2024, 2411.07641. The set does not depend on a temperature that came before. sigma is
the population's, over the characters that can still be chosen (as in llama.cpp; the authors' code
divides by V - 1).
"""

from __future__ import annotations

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.base import Sampler, at_least


class TopNSigmaSampler(Sampler):
    """Mask what lies far below the best. Raises ValueError for n below 0 or not a number.

    0 keeps the best character and its equals.
    """

    name = "top_n_sigma"

    def __init__(self, n: float, sampler: labml_nn.sampling.Sampler | None = None) -> None:
        super().__init__(sampler)
        if not n >= 0:
            raise ValueError(f"top_n_sigma={n}: must be at least 0; 1 is the paper's")
        self.n = n

    @property
    def value(self) -> float:
        return self.n

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
