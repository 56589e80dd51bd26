"""Validation loss by two protocols; each stands in words beside the figures measured by it.

Shapes: N characters, B windows, W context.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

EVALUATION_ROWS = 64
"""Windows per forward pass."""


def protocol(context: int) -> str:
    """How `evaluate` measures, in words for manifests and reports."""
    return (
        f"mean over every character of the validation split but its first, in nats; windows of "
        f"{context}, each character predicted from those before it in its window; float32"
    )


def evaluate(model: nn.Module, ids: Tensor, context: int) -> float:
    """Mean loss in nats per character over ids [N], by `protocol(context)`: deterministic."""
    count = len(ids) - 1
    whole = count // context * context
    pieces: list[tuple[Tensor, Tensor]] = []
    if whole:
        inputs, targets = ids[:whole].view(-1, context), ids[1 : whole + 1].view(-1, context)
        pieces += zip(inputs.split(EVALUATION_ROWS), targets.split(EVALUATION_ROWS), strict=True)
    if whole < count:
        pieces.append((ids[None, whole:-1], ids[None, whole + 1 :]))
    return _sum_of_losses(model, pieces) / count


def nanogpt_protocol(context: int, windows: int) -> str:
    """How `evaluate_nanogpt` measures, in words for manifests and reports."""
    return (
        f"nanoGPT's: mean over all characters of {windows} windows of {context} that start at "
        "random places of the validation split, in nats; float32"
    )


def evaluate_nanogpt(
    model: nn.Module, ids: Tensor, context: int, windows: int, generator: np.random.Generator
) -> float:
    """Mean loss in nats per character over random windows of ids [N], by `nanogpt_protocol`."""
    starts = torch.from_numpy(generator.integers(len(ids) - context, size=windows))
    positions = (starts[:, None] + torch.arange(context + 1)).to(ids.device)
    parts = [ids[part] for part in positions.split(EVALUATION_ROWS)]
    total = _sum_of_losses(model, [(part[:, :-1], part[:, 1:]) for part in parts])
    return total / (windows * context)


@torch.no_grad()
def _sum_of_losses(model: nn.Module, pieces: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Of pairs of inputs and targets [B, T]; float64 on the CPU: not every device has it."""
    was_training = model.training
    model.eval()
    total = 0.0
    for inputs, targets in pieces:
        losses = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), reduction="none")
        total += losses.cpu().double().sum().item()
    model.train(was_training)
    return total
