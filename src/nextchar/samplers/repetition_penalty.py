"""Repetition penalty: characters that were read before are less probable, however often they were.

    l'_i = l_i / penalty  for l_i > 0,  l_i * penalty  for l_i < 0;  l_i for what was not read

Keskar et al. 2019, 1909.05858, with the sign rule of their code. Unlike all other samplers it
depends on where the logits' zero lies: write it first, so that it sees the model's own. The whole
text counts, the prompt too, or its last `window` characters.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner
from nextchar.samplers.decoder import LARGEST
from nextchar.samplers.history import HistorySampler, checked_window, counts


class RepetitionPenaltySampler(HistorySampler):
    """Shrink the logits of what was read; 1 is no penalty.

    Raises ConfigError for a penalty outside [1e-9, 1e9].
    """

    name = "repetition_penalty"

    def __init__(self, penalty: float, window: int | None = None, sampler: Inner = None) -> None:
        super().__init__(sampler)
        bound = f"must be from {1 / LARGEST:g} to {LARGEST:,}; 1 is no penalty"
        require(1 / LARGEST <= penalty <= LARGEST, self.name, penalty, bound)
        self.penalty, self.window = penalty, checked_window(self.name, window)

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        shrunk = torch.where(logits < 0, logits * self.penalty, logits / self.penalty)
        return torch.where(counts(memory, logits.size(-1)) > 0, shrunk, logits)
