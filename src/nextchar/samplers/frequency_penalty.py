"""Frequency penalty: a character is less probable by each time that it was read before.

    l'_i = l_i - penalty * n_i,  n_i how often i was read

As in OpenAI's API, which counts what was written only. Here the whole text counts, the prompt too,
or its last `window` characters.
"""

from __future__ import annotations

import math

import labml_nn.sampling
from torch import Tensor

from nextchar.samplers.memory import ReadingSampler, checked_window, counts


class FrequencyPenaltySampler(ReadingSampler):
    """Lower the logits of what was read. Raises ValueError for a penalty that is not finite."""

    name = "frequency_penalty"

    def __init__(
        self,
        penalty: float,
        window: int | None = None,
        sampler: labml_nn.sampling.Sampler | None = None,
    ) -> None:
        super().__init__(sampler)
        if not math.isfinite(penalty):
            raise ValueError(
                f"frequency_penalty={penalty}: must be finite; 0 is no penalty, below 0 a reward"
            )
        self.penalty, self.window = penalty, checked_window("frequency_penalty", window)

    @property
    def value(self) -> float:
        return self.penalty

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        return logits - self.penalty * counts(memory, logits.size(-1))
