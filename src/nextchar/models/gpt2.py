"""GPT-2's transformer without biases (Radford et al. 2019), as nanoGPT trains it: a baseline.

Shapes: B rows, T time, C width, H heads, D head width, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextchar.config import GPT2Config
from nextchar.models.base import ParameterGroups
from nextchar.models.uncached import UncachedModel

INITIAL_STD = 0.02


class Layer(nn.Module):
    """Pre-norm attention and feed-forward layer with GELU, each added to its input."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        C, inner = config.width, config.feedforward * config.width
        self.heads, self.dropout = config.heads, nn.Dropout(config.dropout)
        self.norm_attention = nn.LayerNorm(C, bias=False)
        self.norm_feedforward = nn.LayerNorm(C, bias=False)
        self.project_in = nn.Linear(C, 3 * C, bias=False)
        self.project_out = nn.Linear(C, C, bias=False)
        self.up = nn.Linear(C, inner, bias=False)
        self.down = nn.Linear(inner, C, bias=False)
        # The residual stream sums 2 L outputs: each starts smaller, so that the sum does not grow.
        for weight in (self.project_in, self.up):
            nn.init.normal_(weight.weight, std=INITIAL_STD)
        for weight in (self.project_out, self.down):
            nn.init.normal_(weight.weight, std=INITIAL_STD / (2 * config.layers) ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, C]."""
        B, T, C = x.shape
        heads = self.project_in(self.norm_attention(x)).view(B, T, 3 * self.heads, -1)
        q, k, v = heads.transpose(1, 2).chunk(3, dim=1)
        p = self.dropout.p if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=p)
        x = x + self.dropout(self.project_out(y.transpose(1, 2).reshape(B, T, C)))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm_feedforward(x)))))


class GPT2(UncachedModel):
    """Learned positions, and a head that shares the embedding's weights."""

    config_class = GPT2Config

    def __init__(self, config: GPT2Config, vocabulary_size: int) -> None:
        super().__init__()
        self.context = config.context
        self.embedding = nn.Embedding(vocabulary_size, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width, bias=False)
        for table in (self.embedding, self.positions):
            nn.init.normal_(table.weight, std=INITIAL_STD)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [B, T], T at most `context`, to logits [B, T, V]."""
        positions = torch.arange(ids.size(1), device=ids.device)
        x = self.dropout(self.embedding(ids) + self.positions(positions))
        for layer in self.layers:
            x = layer(x)
        return F.linear(self.norm(x), self.embedding.weight).float()

    def parameter_groups(self) -> ParameterGroups:
        return ParameterGroups.of(self, embedding=self.embedding)
