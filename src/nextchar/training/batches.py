"""Training batches: windows that start at random positions, drawn by (seed, step) alone.

Shapes: N characters, S steps, B windows, L characters of a window.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from nextchar.config import TrainingConfig

AT_ONCE = 100
"""Steps whose positions are copied to the device together, so that no step waits for a copy."""


def batches(
    ids: Tensor, config: TrainingConfig, length: int, seed: int, first: int = 0
) -> Iterator[Tensor]:
    """Windows [B, L] of ids [N], on the same device, for each step from `first` to the last."""
    within, count = torch.arange(length, device=ids.device), len(ids) - length + 1
    for start in range(first, config.steps, AT_ONCE):
        steps = range(start, min(start + AT_ONCE, config.steps))
        generators = [np.random.default_rng((seed, step)) for step in steps]
        drawn = [each.integers(count, size=config.batch_size) for each in generators]
        for positions in _to_device(torch.from_numpy(np.stack(drawn)), ids.device):
            yield ids[positions[:, None] + within]


def with_noise(
    ids: Tensor, share: float, vocabulary_size: int, generator: torch.Generator
) -> Tensor:
    """Ids [B, L] with a share of them replaced by characters drawn uniformly."""
    others = torch.randint(vocabulary_size, ids.shape, generator=generator, device=generator.device)
    replaced = torch.rand(ids.shape, generator=generator, device=generator.device) < share
    return torch.where(replaced, others, ids)


def _to_device(positions: Tensor, device: torch.device) -> Tensor:
    """Positions [S, B]; to a GPU from pinned memory, without waiting for the copy."""
    if device.type == "cuda":
        return positions.pin_memory().to(device, non_blocking=True)
    return positions.to(device)
