"""Temperature: sharpen or flatten the distribution (Ackley, Hinton & Sejnowski 1985).

    P(x = i) = exp(l_i / T) / sum_j exp(l_j / T)

T = 1 is pure sampling from the model; T = 0 is the limit for T towards 0, greedy decoding.
"""

import math

from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, Sampler
from nextchar.samplers.greedy import GreedySampler


class TemperatureSampler(Sampler):
    """Divide the logits by the temperature."""

    name = "temperature"
    rank = 1
    grid = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)

    def __init__(self, temperature: float = 1.0, sampler: Inner = None) -> None:
        super().__init__(sampler)
        bound = "must be finite and at least 0 (greedy); 1 is the model"
        require(math.isfinite(temperature) and temperature >= 0, self.name, temperature, bound)
        self.temperature = temperature

    def warp(self, logits: Tensor) -> Tensor:
        if self.temperature == 0:
            return GreedySampler().warp(logits)
        # Shifted so that the largest is 0: a tiny temperature can't overflow to +inf.
        return (logits - logits.amax(-1, keepdim=True)) / self.temperature
