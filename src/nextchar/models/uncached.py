"""Decoding for models without a key/value cache: the last characters are read anew each time.

Shapes: B rows, T time, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nextchar.config import ConfigError, ModelConfig
from nextchar.models.base import LanguageModel
from nextchar.models.cache import Cache


@dataclass
class TokenWindow(Cache):
    """The last characters, ids [B, T] with T <= context."""

    ids: Tensor

    def select(self, rows: Tensor) -> TokenWindow:
        return TokenWindow(self.ids[rows])


def reject_unsupported(config: ModelConfig, name: str) -> None:
    """Raise ConfigError for what only our own transformer has."""
    for key, value, only in (
        ("key_value_heads", config.key_value_heads, config.heads),
        ("logit_cap", config.logit_cap, None),
        ("lookback", config.lookback, 1),
    ):
        if value != only:
            needed = "null" if only is None else only
            raise ConfigError(f"model.{key}={value}: {name} has no choice; set it to {needed}")


class UncachedModel(LanguageModel):
    """A model whose learned positions end at the context, so that the text is cropped to it."""

    def prefill(self, ids: Tensor) -> tuple[Tensor, TokenWindow]:
        window = TokenWindow(ids[:, -self.context :])
        return self(window.ids)[:, -1], window

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        assert isinstance(cache, TokenWindow)
        cache.ids = torch.cat((cache.ids, ids[:, None]), dim=1)[:, -self.context :]
        logits: Tensor = self(cache.ids)[:, -1]
        return logits
