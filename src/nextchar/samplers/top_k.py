"""Top-k sampling: choose among the k most probable characters (Fan et al. 2018, 1805.04833).

    P'(x = i) = P(x = i) / sum_{j in K} P(x = j)  for i in K, the k largest;  0 elsewhere

Exactly k are kept: of equal logits at the edge, those with the lower ids.
"""

from __future__ import annotations

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.base import Sampler, descending, keep


class TopKSampler(Sampler):
    """Mask all but the k largest logits. Raises ValueError for k below 1 or not whole.

    k at or above the vocabulary's size keeps everything.
    """

    name = "top_k"

    def __init__(self, k: int, sampler: labml_nn.sampling.Sampler | None = None) -> None:
        super().__init__(sampler)
        if k != int(k) or k < 1:
            raise ValueError(f"top_k={k}: must be a whole number of at least 1")
        self.k = int(k)

    @property
    def value(self) -> int:
        return self.k

    def warp(self, logits: Tensor) -> Tensor:
        _, order = descending(logits)
        ranks = torch.arange(logits.size(-1), device=logits.device)
        return keep(logits, order, (ranks < self.k).expand_as(order))
