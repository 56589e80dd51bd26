"""Samplers whose warping depends on what a row has read: the state is explicit, one for each row.

Shapes: R rows, T characters read (the prompt and what was written after it), V vocabulary.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from nextchar.samplers.base import Sampler


class MemorySampler(Sampler):
    """A sampler with a state, which is passed in and handed back, and never changed in place.

    `start(prompts)`, then `distribution(logits, state)` and `advance(state, logits, ids)` in turn.
    """

    remembers = True

    def warp(self, logits: Tensor) -> Tensor:
        """Raises TypeError: logits alone don't say what was read."""
        raise TypeError(f"{self.name} remembers: pass the state that start(prompts) returns")

    @abstractmethod
    def warp_after(self, logits: Tensor, memory: Any) -> Tensor:
        """This sampler's own change of float64 logits [R, V], given its memory of the rows."""

    @abstractmethod
    def _remember(self, prompts: Tensor) -> Any: ...

    @abstractmethod
    def _learn(self, own: Any, logits: Tensor, ids: Tensor) -> Any: ...

    def _apply(self, logits: Tensor, own: Any) -> Tensor:
        return self.warp(logits) if own is None else self.warp_after(logits, own)


class ReadingSampler(MemorySampler):
    """A sampler that remembers the characters themselves: the last `window`, or all when None.

    The prompt counts: a row has read it. Its memory is ids [R, T].
    """

    window: int | None

    @abstractmethod
    def warp_after(self, logits: Tensor, memory: Tensor) -> Tensor:
        """The change of logits [R, V] after the ids [R, T]."""

    def _remember(self, prompts: Tensor) -> Tensor:
        return prompts if self.window is None else prompts[:, -self.window :]

    def _learn(self, own: Tensor, logits: Tensor, ids: Tensor) -> Tensor:
        return self._remember(torch.cat((own, ids[:, None]), dim=1))


def checked_window(name: str, window: int | None) -> int | None:
    """Raises ValueError unless `window` is None or a whole number of at least 1."""
    if window is not None and (window != int(window) or window < 1):
        raise ValueError(f"{name} window={window}: must be a whole number of at least 1, or null")
    return None if window is None else int(window)


def counts(ids: Tensor, vocabulary: int) -> Tensor:
    """How often each character stands in ids [R, T]: float64 [R, V]."""
    zeros = torch.zeros(len(ids), vocabulary, dtype=torch.float64, device=ids.device)
    return zeros.scatter_add_(1, ids, torch.ones_like(ids, dtype=torch.float64))
