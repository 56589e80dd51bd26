"""Identities: hashes of what can change a result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from nextchar.config.plugins import Plugin
from nextchar.config.schema import Config, CorpusConfig


def scientific(part: Any) -> dict[str, Any]:
    """The fields of a dataclass that can change a result."""
    assert is_dataclass(part)
    names = [each.name for each in fields(part) if each.metadata.get("scientific", True)]
    return {name: getattr(part, name) for name in names}


def digest(content: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of the SHA-256 of the canonical JSON of `content`."""
    canonical = json.dumps(_same_numbers(content), separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _same_numbers(value: Any) -> Any:
    """1.0 written as 1, so that a number has one identity however it was typed."""
    if isinstance(value, Mapping):
        return {key: _same_numbers(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_same_numbers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def split(corpus: CorpusConfig) -> dict[str, float]:
    """How a text is split."""
    return {"train_fraction": corpus.train_fraction, "train_share": corpus.train_share}


def model_id(config: Config, corpus: str) -> str:
    """Identity of a trained model: its text, shape, training and seed.

    `corpus` is the identity of the text by content (nextchar.data.source.identity).
    """
    return digest(
        {
            "corpus": corpus,
            **split(config.corpus),
            "model": scientific(config.model),
            "training": scientific(config.training),
            "seed": config.seed,
        }
    )


def run_id(config: Config, trained: str, *, instead: bool, plugins: Sequence[Plugin] = ()) -> str:
    """Identity of a comparison: the model's, how it decodes, and what is measured.

    `instead` says whether another text was asked for: a run must not stand for one that says so.
    The content of `plugins` is part of it, so that edited code gives another run.
    """
    content = {
        "model": trained,
        "instead": instead,
        "decoding": scientific(config.decoding),
        "metrics": scientific(config.metrics),
    }
    if plugins:
        content["plugins"] = [plugin.sha256 for plugin in plugins]
    return digest(content)


def pooled_id(runs: Sequence[str]) -> str:
    """Identity of what is pooled: those of the runs of its seeds, in ascending order of these."""
    return digest({"pooled": list(runs)})
