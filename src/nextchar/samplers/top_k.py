"""Top-k sampling: choose among the k most probable characters (Fan et al. 2018, 1805.04833).

    P'(x = i) = P(x = i) / sum_{j in K} P(x = j)  for i in K, the k largest;  0 elsewhere

Exactly k are kept: of equal logits at the edge, those with the lower ids.
"""

import torch
from torch import Tensor

from nextchar.samplers.base import Inner, Sampler
from nextchar.samplers.decoder import whole
from nextchar.samplers.operations import descending, keep


class TopKSampler(Sampler):
    """Mask all but the k largest logits; k at or above the vocabulary's size keeps everything."""

    name = "top_k"
    rank = 2
    grid = (1, 2, 3, 5, 8, 12, 20, 40)

    def __init__(self, k: int, sampler: Inner = None) -> None:
        super().__init__(sampler)
        self.k = whole(self.name, k)

    def warp(self, logits: Tensor) -> Tensor:
        _, order = descending(logits)
        ranks = torch.arange(logits.size(-1), device=logits.device)
        return keep(logits, order, (ranks < self.k).expand_as(order))
