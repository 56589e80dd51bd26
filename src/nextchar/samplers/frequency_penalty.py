"""Frequency penalty: a character is less probable by each time that it was read before.

    l'_i = l_i - penalty * n_i,  n_i how often i was read

As in OpenAI's API, which counts only what was written. Here the whole text counts, the prompt too,
or its last `window` characters.
"""

from torch import Tensor

from nextchar.samplers.history import Penalty, counts


class FrequencyPenaltySampler(Penalty):
    """Lower the logits of what was read, by its count."""

    name = "frequency_penalty"
    grid = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)

    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        return logits - self.penalty * counts(memory, logits.size(-1))
