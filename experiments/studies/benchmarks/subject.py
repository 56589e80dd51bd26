"""The model of the speed benchmarks: the default's shape, with random weights."""

from __future__ import annotations

from importlib.resources import as_file, files

import torch
from torch import nn

from nextchar.config import ModelConfig, read_yaml
from nextchar.models.transformer import Transformer

VOCABULARY = 65


def shape() -> ModelConfig:
    """The config in conf/model/transformer.yaml."""
    with as_file(files("nextchar.conf").joinpath("model/transformer.yaml")) as path:
        return ModelConfig(**read_yaml(path))


def transformer() -> Transformer:
    """The transformer with weights from a normal distribution, so that no two logits are equal."""
    generator = torch.Generator().manual_seed(0)
    model = Transformer(shape(), VOCABULARY)
    for parameter in model.parameters():
        nn.init.normal_(parameter, 0, 0.1, generator=generator)
    return model.eval()
