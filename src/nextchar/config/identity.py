"""Identities: hashes of what can change a result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from nextchar.config.plugins import Plugin, plugin_of
from nextchar.config.schema import Config
from nextchar.config.validation import Section


def scientific(part: Section) -> dict[str, Any]:
    """The keys that can change a result; for a plugin's model the sha256 of its file too."""
    keys = {
        each.name: getattr(part, each.name)
        for each in fields(part)
        if each.metadata.get("scientific", True)
    }
    plugin = plugin_of(type(part))
    return keys | {"plugin": plugin.sha256} if plugin else keys


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


def model_id(config: Config, corpus: str) -> str:
    """Identity of a trained model: its text, keys, training and seed.

    `corpus` is the identity of the text by content (nextchar.data.source.identity).
    """
    return digest(
        {
            "corpus": corpus,
            "train_fraction": config.corpus.train_fraction,
            "train_share": config.corpus.train_share,
            "model": scientific(config.model),
            "training": scientific(config.training),
            "seed": config.seed,
        }
    )


def run_id(config: Config, model_id: str, *, fallback: bool, plugins: Sequence[Plugin] = ()) -> str:
    """Identity of a comparison: the model's, how it decodes, and what is measured.

    A run on the fallback corpus gets a different run_id, and so does one with edited `plugins`.
    """
    content = {
        "model": model_id,
        "fallback": fallback,
        "decoding": scientific(config.decoding),
        "metrics": scientific(config.metrics),
    }
    if plugins:
        content["plugins"] = [plugin.sha256 for plugin in plugins]
    return digest(content)


def pooled_id(runs: Sequence[str]) -> str:
    """Identity of pooled runs: from theirs, in ascending order of their seeds."""
    return digest({"pooled": list(runs)})
