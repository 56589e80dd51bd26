"""The transformer of labml_nn.transformers as a language model: a baseline.

Shapes: B rows, T time, C width, V vocabulary.
"""

from __future__ import annotations

import torch
from labml_nn.transformers.feed_forward import FeedForward
from labml_nn.transformers.mha import MultiHeadAttention
from labml_nn.transformers.models import (
    EmbeddingsWithLearnedPositionalEncoding,
    Encoder,
    TransformerLayer,
)
from torch import Tensor, nn

from nextchar.config import LabmlConfig
from nextchar.models.base import ParameterGroups
from nextchar.models.uncached import UncachedModel


class LabmlTransformer(UncachedModel):
    """labml_nn's pre-norm Encoder under a causal mask, with learned positions.

    Xavier initialisation as in labml_nn's own experiments: `clone_module_list` leaves all layers
    equal otherwise.
    """

    config_class = LabmlConfig

    def __init__(self, config: LabmlConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.context = config.context
        self.embedding = EmbeddingsWithLearnedPositionalEncoding(
            config.width, vocabulary_size, config.context
        )
        layer = TransformerLayer(
            d_model=config.width,
            self_attn=MultiHeadAttention(config.heads, config.width, config.dropout),
            feed_forward=FeedForward(
                config.width, config.feedforward * config.width, config.dropout
            ),
            dropout_prob=config.dropout,
        )
        self.encoder = Encoder(layer, config.layers)
        self.head = nn.Linear(config.width, vocabulary_size)
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.xavier_uniform_(parameter)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [B, T], T at most `context`, to logits [B, T, V]."""
        x = self.embedding(ids.T)
        mask = torch.ones(len(x), len(x), dtype=torch.bool, device=ids.device).tril()[:, :, None]
        logits: Tensor = self.head(self.encoder(x, mask)).transpose(0, 1).float()
        return logits

    def parameter_groups(self) -> ParameterGroups:
        return ParameterGroups.of(self, embedding=self.embedding, head=self.head)
