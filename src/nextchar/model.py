"""The language model: character ids in, logits out; no loss, no logging, no sampling.

Shapes: B rows, T time, C width, H query heads, G key/value heads, D head width, W context,
V vocabulary. All rows of a cache stand at the same position.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextchar.config import ModelConfig


class Cache(ABC):
    """What a model remembers of the characters that it has read."""

    @abstractmethod
    def select(self, rows: Tensor) -> Cache:
        """A new cache with the given rows, indices [B'], repeated or reordered at will."""


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


def rms_norm(x: Tensor) -> Tensor:
    """x / sqrt(mean(x^2)) over the last axis, no weights (Zhang & Sennrich 2019, 1910.07467)."""
    return F.rms_norm(x, (x.size(-1),))


def rotary_angles(positions: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """cos and sin [T, width / 2] of position * 10000^(-2i / width); positions [T] may be any size.

    Angles are taken in float64, so that a text may go on without end.
    """
    exponents = torch.arange(0, width, 2, dtype=torch.float64, device=positions.device) / width
    angles = positions.double()[:, None] * 10_000.0**-exponents
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary position embedding of x [..., T, D] (Su et al. 2021, 2104.09864)."""
    cos, sin = (angle.to(x.dtype) for angle in angles)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def window_mask(length: int, context: int, device: torch.device) -> Tensor:
    """[T, T], 0 where a position attends (itself and the context - 1 before it), else -inf."""
    distance = torch.arange(length, device=device)
    distance = distance[:, None] - distance[None, :]
    return torch.where((distance >= 0) & (distance < context), 0.0, -torch.inf)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(D) + mask) v: q [B, H, T, D], k and v [B, G, S, D], mask [T, S].

    Query heads that share a key/value head are stacked into one matrix product. Written out,
    because on the CPU this trains 1.4 times faster than the fused kernel, whose backward pass is
    slow; a GPU takes the fused kernel.
    """
    if q.is_cuda:
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=None if mask is None else mask.to(q.dtype), enable_gqa=True
        )
    B, H, T, D = q.shape
    G, S = k.shape[1:3]
    scores = (q * D**-0.5).reshape(B, G, H // G * T, D) @ k.mT
    if mask is not None:
        scores = scores.view(B, H, T, S) + mask.to(scores.dtype)
    weights = scores.softmax(-1, dtype=q.dtype).view(B, G, H // G * T, S)
    return (weights @ v).view(B, H, T, D)


@dataclass
class LayerCache:
    """Rotated keys and the values of the last W positions, [B, G, W, D]: p lies in slot p % W."""

    keys: Tensor
    values: Tensor

    def write(self, keys: Tensor, values: Tensor, start: int) -> None:
        """Store [B, G, T, D] for positions start to start + T - 1; only the last W are kept."""
        window = self.keys.size(2)
        positions = range(start, start + keys.size(2))[-window:]
        slots = torch.tensor([position % window for position in positions], device=keys.device)
        self.keys.index_copy_(2, slots, keys[:, :, -window:])
        self.values.index_copy_(2, slots, values[:, :, -window:])


@dataclass
class KeyValueCache(Cache):
    """The keys and values of every layer, the last characters, and how many were read.

    `recent` [B, n - 1] holds the ids that the next position's embedding looks back to.
    """

    layers: list[LayerCache]
    recent: Tensor
    length: int = 0

    def select(self, rows: Tensor) -> KeyValueCache:
        return KeyValueCache(
            [LayerCache(layer.keys[rows], layer.values[rows]) for layer in self.layers],
            self.recent[rows],
            self.length,
        )


class LookbackEmbedding(nn.Module):
    """x_t = sum_i E_i[c_(t-i)], i = 0 to n - 1: a table for each of the last n characters.

    A causal convolution over the one-hot text, so that no layer has to spend its attention on
    finding the characters before its own. Before the beginning stands the id V.
    """

    def __init__(self, vocabulary_size: int, width: int, lookback: int) -> None:
        super().__init__()
        self.beginning = vocabulary_size
        tables = (nn.Embedding(vocabulary_size + 1, width) for _ in range(lookback))
        self.tables = nn.ModuleList(tables)

    def nothing_before(self, ids: Tensor) -> Tensor:
        """What stands before the first of ids [B, T]: [B, n - 1]."""
        return ids.new_full((len(ids), len(self.tables) - 1), self.beginning)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [B, n - 1 + T], the first n - 1 only looked back to, to [B, T, C]."""
        n, total = len(self.tables), ids.size(1)
        terms = [table(ids[:, n - 1 - i : total - i]) for i, table in enumerate(self.tables)]
        return torch.stack(terms).sum(0)


class Attention(nn.Module):
    """Causal attention over a window, with rotary positions and normalised queries and keys.

    Key/value heads are shared by groups of query heads (Ainslie et al. 2023, 2305.13245), which is
    what makes the cache small and decoding fast. Normalised queries and keys: Henry et al. 2020,
    2010.04245.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.key_value_heads = config.heads, config.key_value_heads
        self.head_width = config.width // config.heads
        total = (self.heads + 2 * self.key_value_heads) * self.head_width
        self.project_in = nn.Linear(config.width, total, bias=False)
        self.project_out = nn.Linear(config.width, config.width, bias=False)

    def forward(
        self,
        x: Tensor,
        angles: tuple[Tensor, Tensor],
        mask: Tensor | None,
        cache: LayerCache | None,
        start: int,
    ) -> Tensor:
        """x [B, T, C] at positions start to start + T - 1."""
        B, T, C = x.shape
        heads = self.project_in(x).view(B, T, -1, self.head_width).transpose(1, 2)
        q, k, v = heads.split((self.heads, self.key_value_heads, self.key_value_heads), dim=1)
        q, k = rotate(rms_norm(q), angles), rotate(rms_norm(k), angles)
        if cache is not None:
            cache.write(k, v, start)
        if cache is not None and start > 0:
            filled = min(start + T, cache.keys.size(2))
            k, v = cache.keys[:, :, :filled], cache.values[:, :, :filled]
        y = attend(q, k, v, mask)
        return self.project_out(y.transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    """Pre-norm residual block: attention, then a feed-forward layer with squared ReLU.

    Squared ReLU: So et al. 2021, 2109.08668. A block starts as the identity.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.up = nn.Linear(config.width, config.feedforward * config.width, bias=False)
        self.down = nn.Linear(config.feedforward * config.width, config.width, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        for inner in (self.attention.project_in, self.up):
            bound = (3 / config.width) ** 0.5
            nn.init.uniform_(inner.weight, -bound, bound)
        for outer in (self.attention.project_out, self.down):
            nn.init.zeros_(outer.weight)

    def forward(
        self,
        x: Tensor,
        angles: tuple[Tensor, Tensor],
        mask: Tensor | None,
        cache: LayerCache | None,
        start: int,
    ) -> Tensor:
        x = x + self.dropout(self.attention(rms_norm(x), angles, mask, cache, start))
        return x + self.dropout(self.down(F.relu(self.up(rms_norm(x))).square()))


class Transformer(LanguageModel):
    """Decoder-only transformer whose every position attends to the last `context` characters.

    Past the context the window slides: keys stay as they were computed, so text of any length costs
    the same a character, and logits from the cache equal those of one uncached pass over the whole
    text with the same banded mask.
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.context = config.context
        self.head_width = config.width // config.heads
        self.key_value_heads = config.key_value_heads
        self.logit_cap = config.logit_cap
        self.embedding = LookbackEmbedding(vocabulary_size, config.width, config.lookback)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.head = nn.Linear(config.width, vocabulary_size, bias=False)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [B, T] to logits [B, T, V]."""
        return self.logits_of(self._hidden(ids, None))

    def prefill(self, ids: Tensor) -> tuple[Tensor, KeyValueCache]:
        hidden, cache = self.prefill_hidden(ids)
        return self.logits_of(hidden[:, -1]), cache

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        return self.logits_of(self.step_hidden(ids, cache))

    def prefill_hidden(self, ids: Tensor) -> tuple[Tensor, KeyValueCache]:
        """Read prompts [B, T]; the hidden states [B, T, C] before the head, and the cache."""
        shape = (ids.size(0), self.key_value_heads, self.context, self.head_width)
        empty = self.head.weight.new_empty
        layers = [LayerCache(empty(shape), empty(shape)) for _ in self.blocks]
        cache = KeyValueCache(layers, self.embedding.nothing_before(ids))
        return self._hidden(ids, cache), cache

    def step_hidden(self, ids: Tensor, cache: Cache) -> Tensor:
        """Append one character a row, ids [B], to the cache; its hidden state [B, C]."""
        assert isinstance(cache, KeyValueCache)
        return self._hidden(ids[:, None], cache)[:, -1]

    def _hidden(self, ids: Tensor, cache: KeyValueCache | None) -> Tensor:
        """Ids [B, T], at the positions after those in the cache, to hidden states [B, T, C]."""
        T = ids.size(1)
        start = 0 if cache is None else cache.length
        positions = torch.arange(start, start + T, device=ids.device)
        angles = rotary_angles(positions, self.head_width)
        mask = window_mask(T, self.context, ids.device) if T > 1 else None
        before = self.embedding.nothing_before(ids) if cache is None else cache.recent
        read = torch.cat((before, ids), dim=1)
        x = self.dropout(rms_norm(self.embedding(read)))
        for index, block in enumerate(self.blocks):
            x = block(x, angles, mask, None if cache is None else cache.layers[index], start)
        if cache is not None:
            cache.recent = read[:, T:]
            cache.length += T
        return rms_norm(x)

    def logits_of(self, hidden: Tensor) -> Tensor:
        """Hidden states [..., C] to float32 logits [..., V], capped smoothly to (-cap, cap).

        The cap: Gemma 2, 2408.00118.
        """
        logits: Tensor = self.head(hidden).float()
        if self.logit_cap is None:
            return logits
        return self.logit_cap * torch.tanh(logits / self.logit_cap)
