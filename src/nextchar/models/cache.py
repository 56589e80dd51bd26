"""What a transformer remembers of the characters that it has read.

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
    """What a model remembers of the characters that it has read."""

    @abstractmethod
    def select(self, rows: Tensor) -> Cache:
        """A new cache with the given rows, indices [B'], repeated or reordered at will."""


class LayerCache(ABC):
    """What one layer of attention remembers."""

    @abstractmethod
    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store [B, G, T, D] at the positions that follow; the keys and values to attend to."""


@dataclass
class RollingLayerCache(LayerCache):
    """Rotated keys and the values of the last W positions, [B, G, W, D]: p lies in slot p % W."""

    keys: Tensor
    values: Tensor
    length: int = 0

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Only the last W are kept; the first to be stored attend to one another."""
        window, start = self.keys.size(2), self.length
        self.length += keys.size(2)
        if keys.size(2) == 1:  # the step of generation: a copy to one slot is all it takes
            slot = start % window
            self.keys[:, :, slot] = keys[:, :, 0]
            self.values[:, :, slot] = values[:, :, 0]
            filled = min(self.length, window)
            return self.keys[:, :, :filled], self.values[:, :, :filled]
        positions = range(start, self.length)[-window:]
        slots = torch.tensor([position % window for position in positions], device=keys.device)
        self.keys.index_copy_(2, slots, keys[:, :, -window:])
        self.values.index_copy_(2, slots, values[:, :, -window:])
        if start == 0:
            return keys, values
        filled = min(self.length, window)
        return self.keys[:, :, :filled], self.values[:, :, :filled]


@dataclass
class KeyValueCache(Cache):
    """The keys and values of every layer, and the last characters.

    `recent` [B, n - 1] holds the ids that the next position's embedding looks back to.
    """

    layers: list[RollingLayerCache]
    recent: Tensor

    @property
    def length(self) -> int:
        """How many characters were read."""
        return self.layers[0].length

    def select(self, rows: Tensor) -> KeyValueCache:
        return KeyValueCache(
            [
                RollingLayerCache(layer.keys[rows], layer.values[rows], layer.length)
                for layer in self.layers
            ],
            self.recent[rows],
        )


@dataclass
class StaticLayer(LayerCache):
    """As RollingLayerCache, with `length` [1] on the device; every slot is attended to, masked."""

    keys: Tensor
    values: Tensor
    length: Tensor

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """One position, T = 1."""
        slot = self.length % self.keys.size(2)
        # One slot can't collide with itself, and torch's deterministic copy may ask the device.
        with device.allow_nondeterministic():
            self.keys.index_copy_(2, slot, keys)
            self.values.index_copy_(2, slot, values)
        return self.keys, self.values


@dataclass
class StaticCache(Cache):
    """A cache whose every step is the same work on the same memory, so that a CUDA graph can hold
    it: how many characters were read is a number on the device.

    After a prompt that fills the window its logits are those of the KeyValueCache to the bit; else
    the slots that are still empty are masked, and sums may round differently.
    """

    layers: list[StaticLayer]
    recent: Tensor
    length: Tensor

    @classmethod
    def of(cls, cache: KeyValueCache) -> StaticCache:
        """A copy of `cache`; what was never written is zero."""
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
        """[1, W]: 0 for the slots that are filled once the next position is stored, else -inf."""
        slots = torch.arange(self.layers[0].keys.size(2), device=self.length.device)
        return torch.where(slots <= self.length, 0.0, -torch.inf)[None]

    def read(self, recent: Tensor) -> None:
        """One more character was stored; `recent` [B, n - 1] are the last now."""
        self.recent.copy_(recent)
        self.length.add_(1)

    def select(self, rows: Tensor) -> StaticCache:
        length = self.length.clone()
        layers = [
            StaticLayer(layer.keys[rows], layer.values[rows], length) for layer in self.layers
        ]
        return StaticCache(layers, self.recent[rows], length)
