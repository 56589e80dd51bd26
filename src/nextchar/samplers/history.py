"""Samplers whose warping depends on what a row has read: the state is explicit, one for each row.

Shapes: R rows, T characters read (the prompt and what was written after it), V vocabulary.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.samplers.base import Sampler


class MemorySampler(Sampler):
    """A sampler with a state, which is passed in and handed back, and never changed in place.

    `start(prompts)`, then `distribution(logits, state)` and `advance(state, logits, ids)` in turn.
    """

    stateful = True

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


class AdditivePenalty(ReadingSampler):
    """Lowers the logits of what was read, by a penalty and over a window.

    Raises ValueError for a penalty that is not finite.
    """

    def __init__(
        self,
        penalty: float,
        window: int | None = None,
        sampler: labml_nn.sampling.Sampler | None = None,
    ) -> None:
        super().__init__(sampler)
        if not math.isfinite(penalty):
            raise ValueError(
                f"{self.name}={penalty}: must be finite; 0 is no penalty, below 0 a reward"
            )
        self.penalty, self.window = penalty, checked_window(self.name, window)

    @property
    def value(self) -> float:
        return self.penalty


def checked_window(name: str, window: int | None) -> int | None:
    """Raises ValueError unless `window` is None or a whole number of at least 1."""
    if window is not None and (window != int(window) or window < 1):
        raise ValueError(f"{name} window={window}: must be a whole number of at least 1, or null")
    return None if window is None else int(window)


def counts(ids: Tensor, vocabulary: int) -> Tensor:
    """How often each character stands in ids [R, T]: float64 [R, V]."""
    zeros = torch.zeros(len(ids), vocabulary, dtype=torch.float64, device=ids.device)
    return zeros.scatter_add_(1, ids, torch.ones_like(ids, dtype=torch.float64))
