"""The default language model: a decoder-only transformer; no loss, no logging, no sampling.

Shapes: B rows, T time, C width, H query heads, G key/value heads, D head width, W context,
V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextchar.config import TransformerConfig
from nextchar.models.base import HiddenStateModel, ParameterGroups
from nextchar.models.cache import Cache, KeyValueCache, LayerCache, RollingLayerCache, StaticCache
from nextchar.models.kernels import rms_norm, squared_relu


def rotary_angles(positions: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """cos and sin [T, width / 2] of position * 10000^(-2i / width); positions [T] may be any size.

    Computed in float64, so that a text may be of any length; on the CPU for mps, which has none.
    """
    device = torch.device("cpu") if positions.is_mps else positions.device
    exponents = torch.arange(0, width, 2, dtype=torch.float64, device=device) / width
    angles = positions.to(device).double()[:, None] * 10_000.0**-exponents
    return angles.cos().float().to(positions.device), angles.sin().float().to(positions.device)


class RotaryTable:
    """`rotary_angles` of successive positions, looked up in a table of the last SPAN asked for."""

    SPAN = 1024

    def __init__(self, width: int) -> None:
        self._width, self._first = width, 0
        self._table: tuple[Tensor, Tensor] | None = None

    def angles(self, start: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """cos and sin [count, width / 2] of the positions from `start` on."""
        first = start // self.SPAN * self.SPAN
        # Training keeps no table: what a compiled step makes may lie in a CUDA graph's own memory.
        if torch.is_grad_enabled() or start + count > first + self.SPAN:
            return rotary_angles(torch.arange(start, start + count, device=device), self._width)
        if self._table is None or self._first != first or self._table[0].device != device:
            positions = torch.arange(first, first + self.SPAN, device=device)
            self._first, self._table = first, rotary_angles(positions, self._width)
        rows = slice(start - first, start - first + count)
        return self._table[0][rows], self._table[1][rows]


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
    slow. A GPU uses the fused kernel for more than one query; no mask means the causal mask there.
    """
    B, H, T, D = q.shape
    G, S = k.shape[1:3]
    if q.is_cuda and T > 1:
        given = None if mask is None else mask.to(q.dtype)
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=given, is_causal=mask is None, enable_gqa=G < H
        )
    scores = (q * D**-0.5).reshape(B, G, H // G * T, D) @ k.mT
    if mask is not None:
        scores = scores.view(B, H, T, S) + mask.to(scores.dtype)
    weights = scores.softmax(-1, dtype=q.dtype).view(B, G, H // G * T, S)
    return (weights @ v).view(B, H, T, D)


class CausalConvEmbedding(nn.Module):
    """x_t = sum_i E_i[c_(t-i)], i = 0 to n - 1: a table for each of the last n characters.

    A causal convolution over the one-hot text, so that no layer needs attention to find the
    characters just before its own. The id V stands for what is before the beginning.
    """

    def __init__(self, vocabulary_size: int, width: int, lookback: int) -> None:
        super().__init__()
        self.beginning = vocabulary_size
        tables = (nn.Embedding(vocabulary_size + 1, width) for _ in range(lookback))
        self.tables = nn.ModuleList(tables)

    def left_padding(self, ids: Tensor) -> Tensor:
        """The ids [B, n - 1] before the first of ids [B, T]."""
        return ids.new_full((len(ids), len(self.tables) - 1), self.beginning)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [B, n - 1 + T], of which the first n - 1 are only looked back to, to [B, T, C]."""
        n, total = len(self.tables), ids.size(1)
        shifted = [ids[:, n - 1 - i : total - i] for i in range(n)]
        if ids.is_cuda and torch.is_grad_enabled():
            return self.by_product(shifted)
        terms = [table(each) for table, each in zip(self.tables, shifted, strict=True)]
        return torch.stack(terms).sum(0)

    def by_product(self, shifted: Sequence[Tensor]) -> Tensor:
        """The same sum for n shifted ids [B, T], as one product of one-hot rows with the tables.

        Its backward pass is a product too: deterministic on a GPU, and without synchronising.
        """
        each = torch.arange(self.beginning + 1, device=shifted[0].device)
        hot = torch.cat([ids[..., None] == each for ids in shifted], dim=-1)
        weights = torch.cat(tuple(self.tables.parameters()))
        with torch.autocast(weights.device.type, enabled=False):
            return hot.to(weights.dtype) @ weights


class Attention(nn.Module):
    """Causal attention over a window, with rotary positions and normalised queries and keys.

    Groups of query heads share a key/value head (Ainslie et al. 2023, 2305.13245), which makes the
    cache small and decoding fast. Normalised queries and keys: Henry et al. 2020, 2010.04245.
    """

    def __init__(self, config: TransformerConfig) -> None:
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
    ) -> Tensor:
        """x [B, T, C] at the positions after those in the cache, which stores them."""
        B, T, C = x.shape
        heads = self.project_in(x).view(B, T, -1, self.head_width).transpose(1, 2)
        to_match, v = heads.split((self.heads + self.key_value_heads, self.key_value_heads), dim=1)
        q, k = rotate(rms_norm(to_match), angles).split((self.heads, self.key_value_heads), dim=1)
        if cache is not None:
            k, v = cache.extend(k, v)
        y = attend(q, k, v, mask)
        return self.project_out(y.transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    """Pre-norm residual block: attention, then a feed-forward layer with squared ReLU.

    A block starts as the identity.
    """

    def __init__(self, config: TransformerConfig) -> None:
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
    ) -> Tensor:
        x = x + self.dropout(self.attention(rms_norm(x), angles, mask, cache))
        return x + self.dropout(self.down(squared_relu(self.up(rms_norm(x)))))


class Transformer(HiddenStateModel):
    """Decoder-only transformer whose every position attends to the last `context` characters.

    Past the context the window slides: keys stay as they were computed, so each further character
    costs the same, and logits from the cache equal those of one uncached pass over the whole text
    with the same banded mask.
    """

    config_class = TransformerConfig
    past_context = (
        "the window slides: a character attends to the last model.context characters, whose keys "
        "and values stay as they were computed"
    )

    def __init__(self, config: TransformerConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.context = config.context
        self.head_width = config.width // config.heads
        self.key_value_heads = config.key_value_heads
        self.logit_cap = config.logit_cap
        self.rotary = RotaryTable(self.head_width)
        self.embedding = CausalConvEmbedding(vocabulary_size, config.width, config.lookback)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.head = nn.Linear(config.width, vocabulary_size, bias=False)
        nn.init.zeros_(self.head.weight)

    def parameter_groups(self) -> ParameterGroups:
        return ParameterGroups.of(self, embedding=self.embedding, head=self.head)

    def hidden(self, ids: Tensor) -> Tensor:
        return self._hidden(ids, None)

    def prefill_hidden(self, ids: Tensor) -> tuple[Tensor, KeyValueCache]:
        shape = (ids.size(0), self.key_value_heads, self.context, self.head_width)
        empty = self.head.weight.new_empty
        layers = [RollingLayerCache(empty(shape), empty(shape)) for _ in self.blocks]
        cache = KeyValueCache(layers, self.embedding.left_padding(ids))
        return self._hidden(ids, cache), cache

    def step_hidden(self, ids: Tensor, cache: Cache) -> Tensor:
        if isinstance(cache, StaticCache):
            return self._static_hidden(ids, cache)
        assert isinstance(cache, KeyValueCache)
        return self._hidden(ids[:, None], cache)[:, -1]

    def _hidden(self, ids: Tensor, cache: KeyValueCache | None) -> Tensor:
        """Ids [B, T], at the positions after those in the cache, to hidden states [B, T, C]."""
        T = ids.size(1)
        start = 0 if cache is None else cache.length
        angles = self.rotary.angles(start, T, ids.device)
        # Within the context the mask is the causal one, which the GPU's kernel has built in.
        plain = T == 1 or (ids.is_cuda and self.context >= T)
        mask = None if plain else window_mask(T, self.context, ids.device)
        before = self.embedding.left_padding(ids) if cache is None else cache.recent
        read = torch.cat((before, ids), dim=1)
        hidden = self._blocks(read, angles, mask, None if cache is None else cache.layers)
        if cache is not None:
            cache.recent = read[:, T:]
        return hidden

    def _static_hidden(self, ids: Tensor, cache: StaticCache) -> Tensor:
        """One character a row, ids [B], to hidden states [B, C]; the same kernels at every step."""
        read = torch.cat((cache.recent, ids[:, None]), dim=1)
        angles = rotary_angles(cache.length, self.head_width)
        hidden = self._blocks(read, angles, cache.mask(), cache.layers)
        cache.read(read[:, 1:])
        return hidden[:, -1]

    def _blocks(
        self,
        read: Tensor,
        angles: tuple[Tensor, Tensor],
        mask: Tensor | None,
        caches: Sequence[LayerCache] | None,
    ) -> Tensor:
        """Ids [B, n - 1 + T], the first n - 1 only looked back to, to hidden states [B, T, C]."""
        x = self.dropout(rms_norm(self.embedding(read)))
        for index, block in enumerate(self.blocks):
            x = block(x, angles, mask, None if caches is None else caches[index])
        return rms_norm(x)

    def unembed(self, hidden: Tensor) -> Tensor:
        """Hidden states [..., C] to float32 logits [..., V], capped smoothly to (-cap, cap).

        The cap: Gemma 2, 2408.00118.
        """
        logits: Tensor = self.head(hidden).float()
        if self.logit_cap is None:
            return logits
        return self.logit_cap * torch.tanh(logits / self.logit_cap)
