"""Ways of choosing the next character, a file each; they compose by wrapping one another."""

from nextchar.samplers.base import Sampler, draw
from nextchar.samplers.greedy import GreedySampler
from nextchar.samplers.nucleus import NucleusSampler
from nextchar.samplers.spec import FAMILY, build, build_all
from nextchar.samplers.temperature import TemperatureSampler
from nextchar.samplers.top_k import TopKSampler

__all__ = [
    "FAMILY",
    "GreedySampler",
    "NucleusSampler",
    "Sampler",
    "TemperatureSampler",
    "TopKSampler",
    "build",
    "build_all",
    "draw",
]
