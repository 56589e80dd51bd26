"""Weights and training states on disk: safetensors files with JSON facts in the header.

The facts hold the sha256 of the tensors and of the other facts, which is compared at reading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nextchar.runtime import checked, files
from nextchar.runtime.checked import DamagedError


def save(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and JSON-able facts as one file, which is whole or absent.

    Raises OSError where it can't be written.
    """
    owned = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # One entry: the order of several would be another in each process.
    metadata = {"facts": json.dumps({**facts, "sha256": _sha256(owned, facts)})}
    with files.replacing(path) as temporary:
        try:
            save_file(owned, temporary, metadata=metadata)
        except SafetensorError as error:
            raise OSError(f"{path}: {error}") from error


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors (on the CPU) and facts of a file that `save` wrote.

    Raises DamagedError if they are not those that were written, or there is no such file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts: dict[str, Any] = json.loads(file.metadata()["facts"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no iterator of its own
        same = facts.pop("sha256") == _sha256(tensors, facts)
    except FileNotFoundError as error:
        raise DamagedError(path, "missing") from error
    # Of a file that is none, or of another version: what is in its header is anything.
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedError(path, checked.CHANGED) from error
    if not same:
        raise DamagedError(path, checked.CHANGED)
    return tensors, facts


def _sha256(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{weights_sha256(tensors)} {json.dumps(facts)}".encode()).hexdigest()


def weights_sha256(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, shapes, types and bytes of the weights, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {list(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
