"""Temperature: sharpen or flatten the distribution (Ackley, Hinton & Sejnowski 1985).

    P(x = i) = exp(l_i / T) / sum_j exp(l_j / T)

T = 1 is pure sampling from the model, T = 0 the limit of T towards 0: greedy.
"""

from __future__ import annotations

import math

import labml_nn.sampling
from torch import Tensor

from nextchar.samplers.base import Sampler
from nextchar.samplers.greedy import GreedySampler


class TemperatureSampler(Sampler):
    """Divide the logits by the temperature. Raises ValueError for one below 0 or not finite."""

    name = "temperature"

    def __init__(
        self, temperature: float = 1.0, sampler: labml_nn.sampling.Sampler | None = None
    ) -> None:
        super().__init__(sampler)
        if not (math.isfinite(temperature) and temperature >= 0):
            raise ValueError(
                f"temperature={temperature}: must be finite and at least 0 (greedy); 1 is the model"
            )
        self.temperature = temperature

    @property
    def value(self) -> float:
        return self.temperature

    def warp(self, logits: Tensor) -> Tensor:
        if self.temperature == 0:
            return GreedySampler().warp(logits)
        # Shifted so that the largest is 0: a tiny temperature can't overflow to +inf.
        return (logits - logits.amax(-1, keepdim=True)) / self.temperature
