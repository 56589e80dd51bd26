"""Dynamic temperature: cool where the model is sure, warm where it is not.

    P'(x = i) = exp(l_i / T') / Z,   T' = low + (high - low) * (H(P) / ln n)^e
    low = max(0, T - r), high = T + r, n the characters that can still be chosen

Entropy-based temperature as in llama.cpp (`--dynatemp-range`, after Zhu et al. 2023, 2309.02772 and
kalomaze). With one character left nothing changes; T' = 0 is greedy.
"""

from __future__ import annotations

import math

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.base import Sampler, entropy
from nextchar.samplers.greedy import GreedySampler


class DynamicTemperatureSampler(Sampler):
    """Divide the logits by a temperature that follows their entropy, row by row.

    Raises ValueError for a temperature or a range below 0, an exponent not above 0, or any that is
    not finite.
    """

    name = "dynamic_temperature"

    def __init__(
        self,
        temperature: float,
        range: float = 0.5,
        exponent: float = 1.0,
        sampler: labml_nn.sampling.Sampler | None = None,
    ) -> None:
        super().__init__(sampler)
        for name, number in (("", temperature), (" range", range)):
            if not (math.isfinite(number) and number >= 0):
                raise ValueError(
                    f"dynamic_temperature{name}={number}: must be finite and at least 0"
                )
        if not (math.isfinite(exponent) and exponent > 0):
            raise ValueError(
                f"dynamic_temperature exponent={exponent}: must be finite and greater than 0"
            )
        self.temperature, self.range, self.exponent = temperature, range, exponent

    @property
    def value(self) -> float:
        return self.temperature

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
