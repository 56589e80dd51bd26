"""Every row beside held-out text, as the model sees both: features, partitions, the frontier.

The partitions are made of training text, so that no sampler's figure depends on another's. All are
held against held-out text that is not among the human texts: so human text has a figure too, which
is what as many texts can reach. Shapes: R texts, T characters of a prompt, L of a text.
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
from nextchar.metrics.estimators import RatioEstimator
from nextchar.metrics.full import held_out
from nextchar.metrics.mauve import clusters
from nextchar.metrics.mauve.features import window_features
from nextchar.metrics.mauve.frontier import frontier_sums
from nextchar.models.base import HiddenStateModel, LanguageModel
from nextchar.results import Sample

TRAINING_PIECES = 512
"""Pieces of training text, evenly spaced, that the partitions are made of."""


def require(corpus: Corpus, decoding: DecodingConfig, measured: MetricsConfig) -> None:
    """Raise ConfigError unless both texts have a window for each cluster."""
    k, windows = measured.frontier_clusters, decoding.length // measured.frontier_window
    for what, pieces in (
        ("training text", training_pieces(corpus, decoding)),
        ("held-out text between the human texts", held_out_pieces(corpus, decoding)),
    ):
        if len(pieces) * windows < k:
            raise ConfigError(
                f"metrics.frontier_clusters={k}: the {what} has {len(pieces) * windows} windows of "
                f"{measured.frontier_window} characters, and needs one a cluster; use fewer "
                "clusters, a longer text, or a smaller decoding.prompts"
            )


def sums(
    model: LanguageModel,
    corpus: Corpus,
    samples: Sequence[Sample],
    decoding: DecodingConfig,
    measured: MetricsConfig,
    seed: int,
) -> list[RatioEstimator]:
    """The frontier's area of every sampler and reference in `samples`."""
    assert isinstance(model, HiddenStateModel), "checked before training"
    L, window = decoding.length, measured.frontier_window
    learned = window_features(model, training_pieces(corpus, decoding), L, window)
    flat = learned.reshape(-1, learned.shape[2])
    partitions = clusters.fit(flat, measured.frontier_clusters, seed)
    held = window_features(model, held_out_pieces(corpus, decoding), L, window)
    reference = np.stack([each.counts(held).sum(0) for each in partitions])
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.sampler, []).append(sample)
    rows = []
    for label, own in groups.items():
        read = [corpus.vocabulary.encode(each.prompt_text + each.text) for each in own]
        found = window_features(model, torch.stack(read), L, window)
        counts = np.stack([each.counts(found) for each in partitions], axis=1)
        after = [each.prompt for each in own]
        rows.append(frontier_sums(label, after, counts, reference, decoding.prompts))
    return rows


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
