"""Presence penalty: a character that was read before is less probable, however often it was.

    l'_i = l_i - penalty  for i that was read;  l_i elsewhere

As in OpenAI's API, which counts only what was written. Here the whole text counts, the prompt too,
or its last `window` characters. Unlike the repetition penalty it moves all logits alike.
"""

import torch
from torch import Tensor

from nextchar.samplers.history import Penalty, counts


class PresencePenaltySampler(Penalty):
    """Lower the logits of what was read, once."""

    name = "presence_penalty"
    grid = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        # Not penalty * (counts > 0), which torch rounds to float32.
        return torch.where(counts(memory, logits.size(-1)) > 0, logits - self.penalty, logits)
