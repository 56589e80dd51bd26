"""Ways of writing a text that look further than the next character, a file each."""

from nextchar.decoding.search.base import Search
from nextchar.decoding.search.beam import BeamSearch
from nextchar.decoding.search.best_of import BestOf
from nextchar.decoding.search.contrastive import ContrastiveSearch
from nextchar.decoding.search.speculative import SpeculativeDecoding
from nextchar.decoding.search.stochastic_beam import StochasticBeamSearch

__all__ = [
    "BeamSearch",
    "BestOf",
    "ContrastiveSearch",
    "Search",
    "SpeculativeDecoding",
    "StochasticBeamSearch",
]
