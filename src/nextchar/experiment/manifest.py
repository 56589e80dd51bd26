"""The manifest of a run: where every figure came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from nextchar.config import Config, load_used
from nextchar.data.corpus import Corpus
from nextchar.models.base import LanguageModel
from nextchar.results.provenance import code, hashes, packages
from nextchar.runtime import device as devices
from nextchar.training.checkpoint import weights_sha256


def origins(
    model: LanguageModel,
    corpus: Corpus,
    config: Config,
    trained: Mapping[str, Any],
    device: torch.device,
    rows_in_a_block: int,
    folder: Path,
) -> dict[str, Any]:
    """The part of the manifest of the run in `folder` that says where its figures came from.

    `trained` says how the model was trained, `device` is where.
    """
    return {
        "code": code(),
        "plugins": [
            asdict(plugin) for plugin in load_used(config.plugins, config.decoding.samplers)
        ],
        "corpus": {
            "name": corpus.name,
            "requested": config.corpus.name,
            "substituted": corpus.substituted,
            "sha256": corpus.sha256,
            "characters": len(corpus.text),
            "vocabulary_size": len(corpus.vocabulary),
            "vocabulary": corpus.vocabulary.characters,
            "entropy_rate": corpus.automaton.entropy_rate() if corpus.automaton else None,
        },
        "model": {**trained, "checkpoint": config.decoding.checkpoint},
        "generation": {
            "past_the_context": model.past_context,
            "precision": "float32 logits, float64 probabilities",
            "rows_in_a_block": rows_in_a_block,
            "device": next(model.parameters()).device.type,
            "noise": "inverse transform, float64, keyed by (seed, prompt, sample)",
        },
        "seeds": {"seed": config.seed, "corpus": config.corpus.seed},
        "hardware": devices.describe(device),
        "packages": packages(),
        "sha256": {"weights": weights_sha256(model.state_dict())} | hashes(folder),
    }
