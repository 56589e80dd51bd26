"""The manifest of a run: where every figure came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from nextchar.config import Config, load_plugins
from nextchar.data.corpus import Corpus
from nextchar.decoding import blocks
from nextchar.models.base import LanguageModel
from nextchar.results.provenance import code, hashes, packages
from nextchar.runtime import device
from nextchar.training import checkpoint

PAST_THE_CONTEXT = {
    "transformer": "the window slides: a character attends to the last model.context characters, "
    "whose keys and values stay as they were computed",
    "labml_nn": "the text is cropped: the last model.context characters are read anew each time",
    "gpt2": "the text is cropped: the last model.context characters are read anew each time",
}


def origins(
    asked: Config,
    text: Corpus,
    model: LanguageModel,
    trained: Mapping[str, Any],
    folder: Path,
    place: torch.device,
) -> dict[str, Any]:
    """The part of the manifest that says where the figures came from; trained on `place`."""
    return {
        "code": code(),
        "plugins": [asdict(plugin) for plugin in load_plugins(asked.plugins)],
        "corpus": {
            "name": text.name,
            "requested": asked.corpus.name,
            "substituted": text.substituted,
            "sha256": text.sha256,
            "characters": len(text.text),
            "vocabulary_size": len(text.vocabulary),
            "entropy_rate": text.automaton.entropy_rate() if text.automaton else None,
        },
        "model": {**trained, "checkpoint": asked.decoding.checkpoint},
        "generation": {
            "past_the_context": PAST_THE_CONTEXT[asked.model.kind],
            "precision": "float32 logits, float64 probabilities",
            "rows_in_a_block": blocks.REFERENCE,
            "device": next(model.parameters()).device.type,
            "noise": "inverse transform, float64, keyed by (seed, prompt, sample)",
        },
        "seeds": {"seed": asked.seed, "corpus": asked.corpus.seed},
        "hardware": device.describe(place),
        "packages": packages(),
        "sha256": {"weights": checkpoint.weights_sha256(model.state_dict())} | hashes(folder),
    }
