"""Caches: what a transformer keeps of the characters that it has read, so that each is read once.

Shapes: B rows, T time, n characters looked back to, W context, G key/value heads, D head width. All
rows of a cache stand at the same position.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from nextchar.runtime import device


class Cache(ABC):
    """What a model keeps of the characters that it has read."""

    @abstractmethod
    def reorder(self, rows: Tensor) -> Cache:
        """A new cache with the rows of these indices [B'], which may repeat or leave out rows."""


class LayerCache(ABC):
    """The keys and values of one layer of attention."""

    @abstractmethod
    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store [B, G, T, D] at the positions that follow; the keys and values to attend to."""


@dataclass
class RollingLayerCache(LayerCache):
    """Rotated keys and values of the last W positions, [B, G, W, D]; position p in slot p % W."""

    keys: Tensor
    values: Tensor
    length: int = 0

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Only the last W are stored; those of the first call attend to each other, all of them."""
        window, start = self.keys.size(2), self.length
        self.length += keys.size(2)
        if keys.size(2) == 1:  # the step of generation: a copy to one slot is all it takes
            slot = start % window
            self.keys[:, :, slot] = keys[:, :, 0]
            self.values[:, :, slot] = values[:, :, 0]
        else:
            slots = torch.arange(start, self.length, device=keys.device)[-window:] % window
            self.keys.index_copy_(2, slots, keys[:, :, -window:])
            self.values.index_copy_(2, slots, values[:, :, -window:])
            if start == 0:
                return keys, values
        filled = min(self.length, window)
        return self.keys[:, :, :filled], self.values[:, :, :filled]


@dataclass
class KeyValueCache(Cache):
    """The keys and values of every layer, and the last characters.

    `recent` [B, n - 1] are the ids that the embedding of the next position looks back to.
    """

    layers: list[RollingLayerCache]
    recent: Tensor

    @property
    def length(self) -> int:
        """How many characters were read."""
        return self.layers[0].length

    def reorder(self, rows: Tensor) -> KeyValueCache:
        return KeyValueCache(
            [
                RollingLayerCache(layer.keys[rows], layer.values[rows], layer.length)
                for layer in self.layers
            ],
            self.recent[rows],
        )


@dataclass
class StaticLayer(LayerCache):
    """As RollingLayerCache, with `length` [1] on the device; a mask hides the empty slots."""

    keys: Tensor
    values: Tensor
    length: Tensor

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """One position, T = 1."""
        slot = self.length % self.keys.size(2)
        # One slot can't collide with itself; torch's deterministic copy would synchronise.
        with device.allow_nondeterministic():
            self.keys.index_copy_(2, slot, keys)
            self.values.index_copy_(2, slot, values)
        return self.keys, self.values


@dataclass
class StaticCache(Cache):
    """A cache whose every step is the same work on the same memory, so that a CUDA graph can replay
    it: the number of characters read is a tensor on the device.

    After a prompt that fills the window the logits are those of a KeyValueCache to the bit; before
    that the empty slots are masked, and sums may round differently.
    """

    layers: list[StaticLayer]
    recent: Tensor
    length: Tensor

    @classmethod
    def of(cls, cache: KeyValueCache) -> StaticCache:
        """A copy of `cache`; slots that were never written are zero."""
        length = torch.tensor([cache.length], device=cache.recent.device)
        layers = []
        for layer in cache.layers:
            filled = min(cache.length, layer.keys.size(2))
            keys, values = torch.zeros_like(layer.keys), torch.zeros_like(layer.values)
            keys[:, :, :filled] = layer.keys[:, :, :filled]
            values[:, :, :filled] = layer.values[:, :, :filled]
            layers.append(StaticLayer(keys, values, length))
        return cls(layers, cache.recent.clone(), length)

    def mask(self) -> Tensor:
        """[1, W]: 0 for the slots that are filled when the next position is stored, else -inf."""
        slots = torch.arange(self.layers[0].keys.size(2), device=self.length.device)
        return torch.where(slots <= self.length, 0.0, -torch.inf)[None]

    def read(self, recent: Tensor) -> None:
        """Count one more character; `recent` [B, n - 1] are the last ones now."""
        self.recent.copy_(recent)
        self.length.add_(1)

    def reorder(self, rows: Tensor) -> StaticCache:
        length = self.length.clone()
        layers = [
            StaticLayer(layer.keys[rows], layer.values[rows], length) for layer in self.layers
        ]
        return StaticCache(layers, self.recent[rows], length)
