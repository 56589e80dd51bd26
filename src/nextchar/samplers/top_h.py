"""Top-h: choose among the most probable characters whose joint entropy stays within a share of all.

    P'(x = i) = P(x = i) / Z  for i in S;  0 elsewhere
    S = the longest run of the most probable characters with H(P') <= alpha * H(P)

Potraj et al. 2025, 2509.02510 (their greedy answer to an NP-hard question). transformers compares
-sum_{i in S} p_i ln p_i, without normalising over S, with alpha * H(P): `partial` does as much. The
most probable character is always kept; of equal logits at the edge, those with the lower ids are.
"""

from __future__ import annotations

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.base import Sampler, descending, keep, running_sum


class TopHSampler(Sampler):
    """Mask what would open the distribution too far. Raises ValueError for alpha outside (0, 1].

    1 keeps everything.
    """

    name = "top_h"

    def __init__(
        self,
        alpha: float,
        partial: bool = False,
        sampler: labml_nn.sampling.Sampler | None = None,
    ) -> None:
        super().__init__(sampler)
        if not 0 < alpha <= 1:
            raise ValueError(f"top_h={alpha}: must lie in (0, 1]; 1 keeps every character")
        self.alpha, self.partial = alpha, partial

    @property
    def value(self) -> float:
        return self.alpha

    def warp(self, logits: Tensor) -> Tensor:
        if self.alpha == 1:
            return logits
        ordered, order = descending(logits)
        probabilities = torch.softmax(ordered, dim=-1)
        terms = torch.special.entr(probabilities)
        opened = running_sum(terms)
        if not self.partial:
            mass = running_sum(probabilities)
            opened = opened / mass + mass.log()
        within = opened <= self.alpha * terms.sum(-1, keepdim=True)
        kept = within.cummin(-1).values
        kept[..., 0] = True
        return keep(logits, order, kept)
