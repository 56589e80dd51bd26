"""Ways of choosing the next character, a file each; they compose by wrapping one another."""

from nextchar.samplers.base import Sampler, State, draw
from nextchar.samplers.dry import DrySampler
from nextchar.samplers.dynamic_temperature import DynamicTemperatureSampler
from nextchar.samplers.epsilon import EpsilonSampler
from nextchar.samplers.eta import EtaSampler
from nextchar.samplers.external import ThirdPartySampler, choose
from nextchar.samplers.frequency_penalty import FrequencyPenaltySampler
from nextchar.samplers.greedy import GreedySampler
from nextchar.samplers.history import MemorySampler
from nextchar.samplers.min_p import MinPSampler
from nextchar.samplers.mirostat import MirostatSampler
from nextchar.samplers.no_repeat_ngram import NoRepeatNgramSampler
from nextchar.samplers.nucleus import NucleusSampler
from nextchar.samplers.presence_penalty import PresencePenaltySampler
from nextchar.samplers.registry import FAMILY, build, build_all
from nextchar.samplers.repetition_penalty import RepetitionPenaltySampler
from nextchar.samplers.temperature import TemperatureSampler
from nextchar.samplers.top_h import TopHSampler
from nextchar.samplers.top_k import TopKSampler
from nextchar.samplers.top_n_sigma import TopNSigmaSampler
from nextchar.samplers.typical import TypicalSampler
from nextchar.samplers.xtc import XTCSampler

__all__ = [
    "FAMILY",
    "DrySampler",
    "DynamicTemperatureSampler",
    "EpsilonSampler",
    "EtaSampler",
    "FrequencyPenaltySampler",
    "GreedySampler",
    "MemorySampler",
    "MinPSampler",
    "MirostatSampler",
    "NoRepeatNgramSampler",
    "NucleusSampler",
    "PresencePenaltySampler",
    "RepetitionPenaltySampler",
    "Sampler",
    "State",
    "TemperatureSampler",
    "ThirdPartySampler",
    "TopHSampler",
    "TopKSampler",
    "TopNSigmaSampler",
    "TypicalSampler",
    "XTCSampler",
    "build",
    "build_all",
    "choose",
    "draw",
]
