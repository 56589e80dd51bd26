"""All models: every file of this folder, and what plugins define."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import torch

from nextchar import models
from nextchar.config import ConfigError, ModelConfig
from nextchar.models.base import MODELS, LanguageModel
from nextchar.runtime import device

for _file in iter_modules(models.__path__, f"{models.__name__}."):
    import_module(_file.name)


def model_class(config: ModelConfig) -> type[LanguageModel]:
    """The class whose config this is. Raises ConfigError where a plugin has only the config."""
    if config.kind not in MODELS:
        raise ConfigError(
            f"model.kind={config.kind}: no model has config_class = {type(config).__name__}"
        )
    return MODELS[config.kind]


def build_model(config: ModelConfig, vocabulary_size: int, seed: int) -> LanguageModel:
    """An untrained model; its weights come from the seed, and torch's own state stays as it was."""
    with torch.random.fork_rng(device.rng_devices()):
        torch.manual_seed(seed)
        return model_class(config)(config, vocabulary_size)
