"""Features of a text: the model's hidden states before the head, averaged over windows.

A window's feature is the mean of its hidden states, so that all its characters count; the state at
its last character alone says mostly what comes next. A text has as many windows as fit.

Shapes: R texts, T characters of a prompt, L of a text, C width.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nextchar.metrics.estimators import Floats
from nextchar.models.base import HiddenStateModel

SCORES = 1 << 22
"""Attention scores per head that are held at a time: it bounds how many texts are read at once."""


@torch.no_grad()
def window_features(model: HiddenStateModel, read: Tensor, length: int, window: int) -> Floats:
    """Features [R, L // window, C] of the last `length` = L characters of texts with their prompts,
    `read` [R, T + L]; characters after the last whole window are left out.

    Texts are read in blocks of equal size, the last one filled up: a matrix product may round
    differently for another number of rows, and a text's features must not depend on which others
    are read with it.
    """
    model.eval()
    device = next(model.parameters()).device
    windows, total = length // window, read.size(1)
    start, rows = total - length, max(SCORES // total**2, 1)
    parts = []
    for block in read.split(rows):
        filled = torch.cat((block, block[-1:].expand(rows - len(block), -1)))
        hidden, _ = model.prefill_hidden(filled.to(device))
        own = hidden[: len(block), start : start + windows * window].double()
        parts.append(own.unflatten(1, (windows, window)).mean(2).cpu().numpy())
    return np.concatenate(parts)
