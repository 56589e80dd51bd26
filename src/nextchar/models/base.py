"""What every language model here can do: character ids in, logits out.

Shapes: B rows, T time, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from nextchar.models.cache import Cache


class LanguageModel(nn.Module, ABC):
    """What training, generation and metrics ask of a model: ids [B, T] to logits [B, T, V].

    Position t has seen the characters 0 to t, and of these at most the last `context`.
    """

    context: int

    @abstractmethod
    def prefill(self, ids: Tensor) -> tuple[Tensor, Cache]:
        """Read prompts [B, T]; the logits [B, V] of the character that follows, and the cache."""

    @abstractmethod
    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        """Append one character a row, ids [B], to the cache; the logits [B, V] of the next."""
