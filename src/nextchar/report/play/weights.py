"""The weights of a model as a page holds them; read without torch.

Of nextchar's own transformer only: play/transformer.js computes no other.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

KIND = "transformer"
SHAPE = ("layers", "width", "heads", "key_value_heads", "context", "lookback", "logit_cap")

EXACT, COARSE, BESIDE = 250_000, 1_250_000, 20_000_000
"""Parameters up to which report.html holds a model in float32; up to which in int8, so that it
stays below 4 MB; and up to which play.html beside it holds one in float32 (107 MB)."""


def in_page(kind: str, parameters: int) -> bool:
    """Whether report.html itself holds such a model."""
    return kind == KIND and parameters <= COARSE


def beside_page(kind: str, parameters: int) -> bool:
    """Whether play.html holds such a model, because report.html has it in int8 or not at all."""
    return kind == KIND and EXACT < parameters <= BESIDE


def read_weights(folder: Path, checkpoint: str) -> dict[str, np.ndarray]:
    """The float32 matrices of the model in `folder`, those of its `last` or `best` checkpoint."""
    with safe_open(folder / f"{checkpoint}.safetensors", framework="np") as file:
        names = list(file.keys())
        # The last checkpoint has the state of the training beside the weights.
        prefixes = ("average.", "model.") if checkpoint == "last" else ("",)
        prefix = next(each for each in prefixes if any(name.startswith(each) for name in names))
        chosen = [name for name in names if name.startswith(prefix)]
        return {name.removeprefix(prefix): file.get_tensor(name) for name in chosen}


def embedded(
    weights: Mapping[str, np.ndarray], shape: Mapping[str, Any], *, exact: bool
) -> dict[str, Any]:
    """Shape, names and sizes of the matrices, and their numbers in base64: float32 if `exact`.

    In int8 each row has a scale, |x| / 127 of its largest; the scales stand behind all rows.
    """
    rows = [each.astype("<f4") for each in weights.values()]
    return {
        "shape": {name: shape[name] for name in SHAPE},
        "precision": "float32" if exact else "int8",
        "tensors": [[name, *each.shape] for name, each in weights.items()],
        "weights": b64encode(
            b"".join(each.tobytes() for each in rows) if exact else _int8(rows)
        ).decode(),
    }


def _int8(matrices: list[np.ndarray]) -> bytes:
    scales = [np.abs(each).max(axis=1, keepdims=True).astype("<f4") / 127 for each in matrices]
    steps = [
        np.rint(np.divide(each, scale, out=np.zeros_like(each), where=scale > 0)).astype("i1")
        for each, scale in zip(matrices, scales, strict=True)
    ]
    packed = b"".join(each.tobytes() for each in steps)
    return packed + b"\0" * (-len(packed) % 4) + b"".join(each.tobytes() for each in scales)
