"""The divergence frontier of every sampler and reference: features, partitions, areas.

A feature is the mean of the model's hidden states before the head over a window of a text, so that
all its characters count; the state at its last character alone says mostly what comes next.
The partitions are made of training text, so that no sampler's figure depends on another's. All are
compared with held-out text that is not among the human texts: so human text has a figure too, the
best that as many texts can reach. Shapes: R texts, T characters of a prompt, L of a text, C width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from nextchar.config import ConfigError, DecodingConfig, MetricsConfig
from nextchar.data.corpus import Corpus
from nextchar.decoding.prompts import cut_prompts, human_pieces
from nextchar.metrics.catalog import defined
from nextchar.metrics.estimators import Floats, RatioEstimator
from nextchar.metrics.mauve import clusters
from nextchar.metrics.measure import text_sums
from nextchar.metrics.texts import GeneratedTexts, held_out
from nextchar.models.base import HiddenStateModel, LanguageModel

TRAINING_PIECES = 512
"""Pieces of training text, evenly spaced, that the partitions are made of."""

SCORES = 1 << 22
"""Attention scores per head that are held at a time: it bounds how many texts are read at once."""


def require(corpus: Corpus, decoding: DecodingConfig, metrics_config: MetricsConfig) -> None:
    """Raise ConfigError unless both texts have a window for each cluster."""
    k, windows = metrics_config.frontier_clusters, decoding.length // metrics_config.frontier_window
    for what, pieces in (
        ("training text", training_pieces(corpus, decoding)),
        ("held-out text between the human texts", held_out_pieces(corpus, decoding)),
    ):
        if len(pieces) * windows < k:
            raise ConfigError(
                f"metrics.frontier_clusters={k}: the {what} has {len(pieces) * windows} windows of "
                f"{metrics_config.frontier_window} characters, and needs one for each cluster; use "
                "fewer clusters, a longer text, or a smaller decoding.prompts"
            )


def sums(
    model: LanguageModel,
    corpus: Corpus,
    written: Sequence[GeneratedTexts],
    decoding: DecodingConfig,
    metrics_config: MetricsConfig,
    seed: int,
) -> list[RatioEstimator]:
    """The frontier's area of every sampler and reference."""
    assert isinstance(model, HiddenStateModel), "checked before training"
    L, window = decoding.length, metrics_config.frontier_window
    trained = window_features(model, training_pieces(corpus, decoding), L, window)
    flat = trained.reshape(-1, trained.shape[2])
    partitions = clusters.fit(flat, metrics_config.frontier_clusters, seed)
    pieces = window_features(model, held_out_pieces(corpus, decoding), L, window)
    reference = np.stack([each.counts(pieces).sum(0) for each in partitions])
    counted = []
    for texts in written:
        read = torch.from_numpy(np.concatenate((texts.prompt_ids, texts.ids), axis=1))
        found = window_features(model, read, L, window)
        counts = np.stack([each.counts(found) for each in partitions], axis=1)
        counted.append(replace(texts, clusters=(counts, reference)))
    return text_sums(defined(level="frontier"), counted, decoding.prompts)


def training_pieces(corpus: Corpus, decoding: DecodingConfig) -> Tensor:
    """Pieces [R, T + L] of the training split, at most TRAINING_PIECES, that hardly overlap."""
    total = decoding.prompt_length + decoding.length
    room = (len(corpus.train) - decoding.prompt_length) // decoding.length
    if room < 1:
        return torch.empty(0, total, dtype=torch.long)
    spaced = replace(decoding, prompts=min(TRAINING_PIECES, room))
    return torch.cat(cut_prompts(corpus.train, spaced), dim=1)


def held_out_pieces(corpus: Corpus, decoding: DecodingConfig) -> Tensor:
    """Pieces [R, T + L] of the validation split between the human texts; a piece's first T
    characters may be the end of the one before it."""
    total = decoding.prompt_length + decoding.length
    human = human_pieces(len(corpus.validation), decoding)
    stretches = held_out(corpus.validation_text, human, least=total)
    pieces = [
        corpus.vocabulary.encode(each).unfold(0, total, decoding.length) for each in stretches
    ]
    return torch.cat([torch.empty(0, total, dtype=torch.long), *pieces])


@torch.no_grad()
def window_features(model: HiddenStateModel, read: Tensor, length: int, window: int) -> Floats:
    """Features [R, L // window, C] of the last `length` = L characters of texts with their prompts,
    `read` [R, T + L]; characters after the last whole window are left out.

    Texts are read in blocks of equal size, the last one filled up: a matrix product may round
    differently for another number of rows, and a text's features must not depend on which others
    are read with it.
    """
    model.eval()
    device = next(model.parameters()).device
    windows, total = length // window, read.size(1)
    start, rows = total - length, max(SCORES // total**2, 1)
    parts = []
    for block in read.split(rows):
        filled = torch.cat((block, block[-1:].expand(rows - len(block), -1)))
        hidden, _ = model.prefill_hidden(filled.to(device))
        own = hidden[: len(block), start : start + windows * window].double()
        parts.append(own.unflatten(1, (windows, window)).mean(2).cpu().numpy())
    return np.concatenate(parts)
