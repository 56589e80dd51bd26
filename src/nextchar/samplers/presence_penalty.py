"""Presence penalty: a character that was read before is less probable, however often it was.

    l'_i = l_i - penalty  for i that was read;  l_i elsewhere

As in OpenAI's API, which counts what was written only. Here the whole text counts, the prompt too,
or its last `window` characters. Unlike the repetition penalty it moves all logits alike.
"""

from __future__ import annotations

import math

import labml_nn.sampling
from torch import Tensor

from nextchar.samplers.memory import ReadingSampler, checked_window, counts


class PresencePenaltySampler(ReadingSampler):
    """Lower the logits of what was read. Raises ValueError for a penalty that is not finite."""

    name = "presence_penalty"

    def __init__(
        self,
        penalty: float,
        window: int | None = None,
        sampler: labml_nn.sampling.Sampler | None = None,
    ) -> None:
        super().__init__(sampler)
        if not math.isfinite(penalty):
            raise ValueError(
                f"presence_penalty={penalty}: must be finite; 0 is no penalty, below 0 a reward"
            )
        self.penalty, self.window = penalty, checked_window("presence_penalty", window)

    @property
    def value(self) -> float:
        return self.penalty

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        return logits - self.penalty * (counts(memory, logits.size(-1)) > 0)
