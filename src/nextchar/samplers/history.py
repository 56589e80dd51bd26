"""What a row has read, as memory: the last characters, and how often each of them was read.

Shapes: R rows, T characters read, V vocabulary.
"""

from typing import ClassVar

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, StatefulSampler
from nextchar.samplers.decoder import LARGEST, whole


class Penalty(StatefulSampler):
    """Remembers the last `window` characters [R, window], or all when None; from `least` to 1e9."""

    least: ClassVar[float] = -LARGEST
    meaning: ClassVar[str] = "0 is no penalty, below 0 a reward"

    def __init__(self, penalty: float, window: int | None = None, sampler: Inner = None) -> None:
        super().__init__(sampler)
        bound = f"must be from {self.least:,} to {LARGEST:,}; {self.meaning}"
        require(self.least <= penalty <= LARGEST, self.name, penalty, bound)
        self.penalty = penalty
        self.window = None if window is None else whole(f"{self.name} window", window)

    def remember(self, prompts: Tensor) -> Tensor:
        return prompts if self.window is None else prompts[:, -self.window :]

    def update(self, memory: Tensor, logits: Tensor, ids: Tensor) -> Tensor:
        return self.remember(torch.cat((memory, ids[:, None]), dim=1))


def counts(ids: Tensor, vocabulary: int) -> Tensor:
    """How often each character is in ids [R, T]: float64 [R, V]."""
    zeros = torch.zeros(len(ids), vocabulary, dtype=torch.float64, device=ids.device)
    return zeros.scatter_add_(1, ids, torch.ones_like(ids, dtype=torch.float64))
