"""Presence penalty: a character that was read before is less probable, however often it was.

    l'_i = l_i - penalty  for i that was read;  l_i elsewhere

As in OpenAI's API, which counts what was written only. Here the whole text counts, the prompt too,
or its last `window` characters. Unlike the repetition penalty it moves all logits alike.
"""

from __future__ import annotations

from torch import Tensor

from nextchar.samplers.history import AdditivePenalty, counts


class PresencePenaltySampler(AdditivePenalty):
    """Lower the logits of what was read. Raises ValueError for a penalty that is not finite."""

    name = "presence_penalty"

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        return logits - self.penalty * (counts(memory, logits.size(-1)) > 0)
