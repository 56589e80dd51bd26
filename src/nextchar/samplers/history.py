"""Samplers whose warping depends on what a row has read: the memory is explicit, one per row.

Shapes: R rows, T characters read (the prompt and what was written after it), V vocabulary.
"""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from nextchar.samplers.base import Inner, Sampler


class StatefulSampler(Sampler):
    """A sampler with a memory, which is passed in and returned, and never changed in place.

    `state = start(prompts)`, then alternating `distribution(logits, state)` and
    `state = advance(state, logits, ids)`.
    """

    stateful = True

    def __init__(self, sampler: Inner = None) -> None:
        super().__init__(sampler)
        self.require_exact()

    def warp(self, logits: Tensor) -> Tensor:
        """Raises TypeError: the logits alone don't say what was read."""
        raise TypeError(f"{self.name} remembers: pass the state that start(prompts) returns")

    @abstractmethod
    def warp_after(self, logits: Tensor, memory: Any) -> Tensor:
        """This sampler's own change of float64 logits [R, V], given its memory of the rows."""

    @abstractmethod
    def remember(self, prompts: Tensor) -> Any: ...

    @abstractmethod
    def update(self, memory: Any, logits: Tensor, ids: Tensor) -> Any: ...


class HistorySampler(StatefulSampler):
    """A sampler that remembers the characters: the last `window` [R, window], or all when None.

    The prompt counts: a row has read it.
    """

    window: int | None

    def remember(self, prompts: Tensor) -> Tensor:
        return prompts if self.window is None else prompts[:, -self.window :]

    def update(self, memory: Tensor, logits: Tensor, ids: Tensor) -> Tensor:
        return self.remember(torch.cat((memory, ids[:, None]), dim=1))
