"""Penalties: characters that were read before are less probable.

    repetition_penalty:  l'_i = l_i / penalty  for l_i > 0,  l_i * penalty  for l_i < 0
    frequency_penalty:   l'_i = l_i - penalty * n_i
    presence_penalty:    l'_i = l_i - penalty

for i that was read n_i > 0 times; l_i elsewhere. Repetition is from Keskar et al. 2019, 1909.05858,
with the sign rule of their code: unlike all other samplers it depends on where the logits' zero
lies, so write it first, where it sees the model's own. The others are as in OpenAI's API, which
counts only what was written. Here the whole text counts, the prompt too, or its last `window`
characters.
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


class RepetitionPenaltySampler(Penalty):
    """Shrink the logits of what was read, however often it was."""

    name = "repetition_penalty"
    least = 1 / LARGEST
    meaning = "1 is no penalty"

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        shrunk = torch.where(logits < 0, logits * self.penalty, logits / self.penalty)
        return torch.where(counts(memory, logits.size(-1)) > 0, shrunk, logits)


class FrequencyPenaltySampler(Penalty):
    """Lower the logits of what was read, by its count."""

    name = "frequency_penalty"

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        return logits - self.penalty * counts(memory, logits.size(-1))


class PresencePenaltySampler(Penalty):
    """Lower the logits of what was read, once."""

    name = "presence_penalty"

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        # Not penalty * (counts > 0), which torch rounds to float32.
        return torch.where(counts(memory, logits.size(-1)) > 0, logits - self.penalty, logits)


def counts(ids: Tensor, vocabulary: int) -> Tensor:
    """How often each character is in ids [R, T]: float64 [R, V]."""
    zeros = torch.zeros(len(ids), vocabulary, dtype=torch.float64, device=ids.device)
    return zeros.scatter_add_(1, ids, torch.ones_like(ids, dtype=torch.float64))
