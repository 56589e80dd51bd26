"""The models that a config can name, and how one is made."""

from __future__ import annotations

from collections.abc import Callable

import torch

from nextchar.config import ModelConfig
from nextchar.models.base import LanguageModel
from nextchar.models.gpt2 import GPT2
from nextchar.models.labml_nn import LabmlTransformer
from nextchar.models.transformer import Transformer
from nextchar.runtime import device

KINDS: dict[str, Callable[[ModelConfig, int], LanguageModel]] = {
    "transformer": Transformer,
    "labml_nn": LabmlTransformer,
    "gpt2": GPT2,
}


def build_model(shape: ModelConfig, vocabulary_size: int, seed: int) -> LanguageModel:
    """An untrained model; its weights come from the seed, and torch's own state stays as it was."""
    with torch.random.fork_rng(device.rng_devices()):
        torch.manual_seed(seed)
        return KINDS[shape.kind](shape, vocabulary_size)
