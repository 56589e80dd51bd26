"""Ways of writing a text that look further than the next character, a file each."""

from nextchar.search.base import Search
from nextchar.search.beam import BeamSearch
from nextchar.search.best_of import BestOf
from nextchar.search.contrastive import ContrastiveSearch
from nextchar.search.speculative import SpeculativeDecoding
from nextchar.search.stochastic_beam import StochasticBeamSearch

__all__ = [
    "BeamSearch",
    "BestOf",
    "ContrastiveSearch",
    "Search",
    "SpeculativeDecoding",
    "StochasticBeamSearch",
]
