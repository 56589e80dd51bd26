"""Repetition penalty: characters that were read before are less probable, however often they were.

    l'_i = l_i / penalty  for l_i > 0,  l_i * penalty  for l_i < 0;  l_i for what was not read

Keskar et al. 2019, 1909.05858, with the sign rule of their code. Unlike all other samplers it
depends on where the logits' zero lies: write it first, so that it sees the model's own. The whole
text counts, the prompt too, or its last `window` characters.
"""

import torch
from torch import Tensor

from nextchar.samplers.decoder import LARGEST
from nextchar.samplers.history import Penalty, counts


class RepetitionPenaltySampler(Penalty):
    """Shrink the logits of what was read, however often it was."""

    name = "repetition_penalty"
    grid = (1.02, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 2.0)
    least = 1 / LARGEST
    meaning = "1 is no penalty"

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        shrunk = torch.where(logits < 0, logits * self.penalty, logits / self.penalty)
        return torch.where(counts(memory, logits.size(-1)) > 0, shrunk, logits)
