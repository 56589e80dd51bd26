"""Decoding for models without a key/value cache: each step reads the whole context again.

Shapes: B rows, T time, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nextchar.models.base import LanguageModel
from nextchar.models.cache import Cache


@dataclass
class TokenWindow(Cache):
    """The last characters, ids [B, T] with T <= context."""

    ids: Tensor

    def reorder(self, rows: Tensor) -> TokenWindow:
        return TokenWindow(self.ids[rows])


class UncachedModel(LanguageModel):
    """A model whose learned positions end at the context, so that the text is cropped to it."""

    past_context = (
        "the text is cropped: the last model.context characters are read again at each step"
    )

    def prefill(self, ids: Tensor) -> tuple[Tensor, TokenWindow]:
        window = TokenWindow(ids[:, -self.context :])
        return self(window.ids)[:, -1], window

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        assert isinstance(cache, TokenWindow)
        cache.ids = torch.cat((cache.ids, ids[:, None]), dim=1)[:, -self.context :]
        logits: Tensor = self(cache.ids)[:, -1]
        return logits
