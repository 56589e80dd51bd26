"""Dynamic temperature: low where the model is sure, high where it is not.

    P'(x = i) = exp(l_i / T') / Z,   T' = low + (high - low) * (H(P) / ln n)^e
    low = max(0, T - r), high = T + r, n the characters that can still be chosen

Entropy-based temperature as in llama.cpp (`--dynatemp-range`, after Zhu et al. 2023, 2309.02772 and
kalomaze). With one character left nothing changes; T' = 0 is greedy.
"""

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, Sampler
from nextchar.samplers.decoder import LARGEST
from nextchar.samplers.greedy import GreedySampler
from nextchar.samplers.operations import entropy


class DynamicTemperatureSampler(Sampler):
    """Divide the logits by a temperature that follows their entropy, row by row."""

    name = "dynamic_temperature"
    grid = (0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.2, 1.5)

    def __init__(
        self, temperature: float, range: float = 0.5, exponent: float = 1.0, sampler: Inner = None
    ) -> None:
        super().__init__(sampler)
        bound = f"must be from 0 to {LARGEST:,}"
        require(0 <= temperature <= LARGEST, self.name, temperature, bound)
        require(0 <= range <= LARGEST, f"{self.name} range", range, bound)
        bound = f"must be greater than 0 and at most {LARGEST:,}"
        require(0 < exponent <= LARGEST, f"{self.name} exponent", exponent, bound)
        self.temperature, self.range, self.exponent = temperature, range, exponent

    def warp(self, logits: Tensor) -> Tensor:
        low, high = max(0.0, self.temperature - self.range), self.temperature + self.range
        most = (logits > -torch.inf).sum(-1, keepdim=True).double().log()
        share = (entropy(logits) / most.clamp(min=torch.finfo(torch.float64).tiny)).clamp(max=1)
        temperature = low + (high - low) * share**self.exponent
        shifted = logits - logits.amax(-1, keepdim=True)
        # The largest stay 0 (0 / 0 would be NaN); T' = 0 sends all others to -inf.
        tempered = torch.where(shifted == 0, shifted, shifted / temperature)
        greedy = GreedySampler().warp(logits)
        return torch.where(temperature > 0, tempered, greedy)
