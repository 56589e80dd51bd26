"""Top-h: choose among the most probable characters whose joint entropy is a limited share of all.

    P'(x = i) = P(x = i) / Z  for i in S;  0 elsewhere
    S = the longest run of the most probable characters with H(P') <= alpha * H(P)

Potraj et al. 2025, 2509.02510 (their greedy answer to an NP-hard question). transformers compares
-sum_{i in S} p_i ln p_i, without normalising over S, with alpha * H(P): `partial` does as much. The
most probable character is always kept; of equal logits at the edge, those with the lower ids are.
"""

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, Sampler
from nextchar.samplers.operations import descending, keep, running_sum


class TopHSampler(Sampler):
    """Mask what would raise the entropy too far; alpha in (0, 1], 1 keeps everything."""

    name = "top_h"
    rank = 6
    grid = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.95)

    def __init__(self, alpha: float, partial: bool = False, sampler: Inner = None) -> None:
        super().__init__(sampler)
        require(0 < alpha <= 1, self.name, alpha, "must lie in (0, 1]; 1 keeps every character")
        self.alpha, self.partial = alpha, partial

    def warp(self, logits: Tensor) -> Tensor:
        if self.alpha == 1:
            return logits
        ordered, order = descending(logits)
        probabilities = torch.softmax(ordered, dim=-1)
        terms = torch.special.entr(probabilities)
        entropies = running_sum(terms)
        if not self.partial:
            mass = running_sum(probabilities)
            entropies = entropies / mass + mass.log()
        kept = (entropies <= self.alpha * terms.sum(-1, keepdim=True)).cummin(-1).values
        kept[..., 0] = True
        return keep(logits, order, kept)
