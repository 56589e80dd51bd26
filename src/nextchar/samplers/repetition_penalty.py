"""Repetition penalty: characters that were read before are less probable, however often they were.

    l'_i = l_i / penalty  for l_i > 0,  l_i * penalty  for l_i < 0;  l_i for what was not read

Keskar et al. 2019, 1909.05858, with the sign rule of their code. It depends on where the logits'
zero lies, alone of all samplers: write it first, so that it sees the model's own. The whole text
counts, the prompt too, or its last `window` characters.
"""

from __future__ import annotations

import math

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.history import ReadingSampler, checked_window, counts


class RepetitionPenaltySampler(ReadingSampler):
    """Shrink the logits of what was read. Raises ValueError for a penalty not above 0; 1: none."""

    name = "repetition_penalty"

    def __init__(
        self,
        penalty: float,
        window: int | None = None,
        sampler: labml_nn.sampling.Sampler | None = None,
    ) -> None:
        super().__init__(sampler)
        if not (math.isfinite(penalty) and penalty > 0):
            raise ValueError(
                f"repetition_penalty={penalty}: must be finite and greater than 0; 1 is no penalty"
            )
        self.penalty, self.window = penalty, checked_window("repetition_penalty", window)

    @property
    def value(self) -> float:
        return self.penalty

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        shrunk = torch.where(logits < 0, logits * self.penalty, logits / self.penalty)
        return torch.where(counts(memory, logits.size(-1)) > 0, shrunk, logits)
