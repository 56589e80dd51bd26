"""The model of the speed benchmarks: the default's shape, with random weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nextchar.config import TransformerConfig
from nextchar.models.transformer import Transformer

VOCABULARY = 65


def prompts(rows: int) -> Tensor:
    """Ids [rows, 1] of one character each, the same for one number of rows."""
    generator = torch.Generator().manual_seed(rows)
    return torch.randint(VOCABULARY, (rows, 1), generator=generator)


def transformer() -> Transformer:
    """The transformer with weights from a normal distribution, so that no two logits are equal."""
    generator = torch.Generator().manual_seed(0)
    model = Transformer(TransformerConfig(), VOCABULARY)
    for parameter in model.parameters():
        nn.init.normal_(parameter, 0, 0.1, generator=generator)
    return model.eval()
