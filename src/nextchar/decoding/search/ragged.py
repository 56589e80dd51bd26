"""A cache whose rows are at different positions, and can go back a few characters.

Speculative decoding keeps a different number of characters in every row. Each row's ring has room
for the window and for the characters on trial: a rejected token overwrites only slots that no later
query can attend to.

Shapes: B rows, T characters at once, S slots, G key/value heads, D head width, V vocabulary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from nextchar.models.cache import KeyValueCache, LayerCache
from nextchar.models.kernels import rms_norm
from nextchar.models.transformer import Transformer, rotary_angles


@dataclass
class _RaggedLayer(LayerCache):
    """Keys and values [B, G, S, D]; `slots` [B, T] are where the next ones go."""

    keys: Tensor
    values: Tensor
    slots: Tensor

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        at = self.slots[:, None, :, None].expand_as(keys)
        self.keys.scatter_(2, at, keys)
        self.values.scatter_(2, at, values)
        return self.keys, self.values


class RaggedCache:
    """Rows at their own `lengths` [B]; keeping fewer characters than were tried goes back.

    `recent` [B, n - 1] are the characters that the next one's embedding depends on, `tried` these
    and the ids on trial.
    """

    def __init__(self, model: Transformer, cache: KeyValueCache, trial: int) -> None:
        """From a prefilled cache, with room for `trial` characters at once."""
        self.model = model
        self.slots = model.context + trial - 1
        window = cache.layers[0].keys.size(2)
        rows, device = cache.layers[0].keys.size(0), cache.layers[0].keys.device
        self.lengths = torch.full((rows,), cache.length, device=device)
        self.recent, self.tried = cache.recent, cache.recent
        held = torch.arange(max(cache.length - window, 0), cache.length, device=device)
        self.positions = torch.full((rows, self.slots), -1, device=device)
        self.positions[:, held % self.slots] = held
        self.layers = []
        for layer in cache.layers:
            keys, values = (
                torch.zeros((rows, old.size(1), self.slots, old.size(3)), device=device)
                .to(old.dtype)
                .index_copy_(2, held % self.slots, old[:, :, held % window])
                for old in (layer.keys, layer.values)
            )
            self.layers.append(_RaggedLayer(keys, values, held))

    def read(self, ids: Tensor) -> Tensor:
        """Logits [B, T, V] after each of ids [B, T], which are on trial: `keep` says how many."""
        T = ids.size(1)
        at = self.lengths[:, None] + torch.arange(T, device=ids.device)
        slots = at % self.slots
        self.positions.scatter_(1, slots, at)
        distance = at[:, :, None] - self.positions[:, None, :]
        seen = (distance >= 0) & (distance < self.model.context) & (self.positions >= 0)[:, None]
        mask = torch.where(seen, 0.0, -torch.inf)[:, None]
        cos, sin = rotary_angles(at.flatten(), self.model.head_width)
        angles = (cos.view(len(ids), 1, T, -1), sin.view(len(ids), 1, T, -1))
        self.tried = torch.cat((self.recent, ids), dim=1)
        x = rms_norm(self.model.embedding(self.tried))
        for block, layer in zip(self.model.blocks, self.layers, strict=True):
            layer.slots = slots
            x = block(x, angles, mask, layer)
        return self.model.unembed(rms_norm(x))

    def keep(self, counts: Tensor) -> None:
        """Keep the first `counts` [B] of the characters that were read last."""
        self.lengths = self.lengths + counts
        before = torch.arange(self.recent.size(1), device=counts.device)
        self.recent = self.tried.gather(1, counts[:, None] + before)
