"""Greedy decoding: always the most probable character.

    x = argmax_i l_i

Of equal logits, the one with the lower id is chosen.
"""

import torch
from torch import Tensor

from nextchar.samplers.base import Sampler


class GreedySampler(Sampler):
    """Put all probability on the largest logit."""

    name = "greedy"
    rank = 0

    def warp(self, logits: Tensor) -> Tensor:
        best = logits.argmax(-1, keepdim=True)
        ids = torch.arange(logits.size(-1), device=logits.device)
        return logits.masked_fill(ids != best, -torch.inf)
