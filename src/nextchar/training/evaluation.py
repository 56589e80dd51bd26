"""Validation loss by two protocols; each stands in words beside the figures measured by it.

Shapes: N characters, B windows, W context.
"""

from __future__ import annotations

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


@torch.no_grad()
def evaluate(model: nn.Module, ids: Tensor, context: int) -> float:
    """Mean loss in nats per character over ids [N], by `protocol(context)`: deterministic."""
    was_training = model.training
    model.eval()
    count = len(ids) - 1
    whole = count // context * context
    total = 0.0
    inputs, targets = ids[:whole].view(-1, context), ids[1 : whole + 1].view(-1, context)
    pieces = list(zip(inputs.split(EVALUATION_ROWS), targets.split(EVALUATION_ROWS), strict=True))
    if whole == 0:
        pieces.clear()
    if whole < count:
        pieces.append((ids[None, whole:-1], ids[None, whole + 1 :]))
    for x, y in pieces:
        total += _sum_of_losses(model, x, y)
    model.train(was_training)
    return total / count


def nanogpt_protocol(context: int, windows: int) -> str:
    """How `evaluate_nanogpt` measures, in words for manifests and reports."""
    return (
        f"nanoGPT's: mean over all characters of {windows} windows of {context} that start at "
        "random places of the validation split, in nats; float32"
    )


@torch.no_grad()
def evaluate_nanogpt(
    model: nn.Module, ids: Tensor, context: int, windows: int, generator: np.random.Generator
) -> float:
    """Mean loss in nats per character over random windows of ids [N], by `nanogpt_protocol`."""
    was_training = model.training
    model.eval()
    starts = torch.from_numpy(generator.integers(len(ids) - context, size=windows))
    places = (starts[:, None] + torch.arange(context + 1)).to(ids.device)
    total = 0.0
    for part in places.split(EVALUATION_ROWS):
        total += _sum_of_losses(model, ids[part[:, :-1]], ids[part[:, 1:]])
    model.train(was_training)
    return total / (windows * context)


def _sum_of_losses(model: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Inputs and targets [B, T]; summed in float64 on the CPU, since not every device has it."""
    losses = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), reduction="none")
    return losses.cpu().double().sum().item()
