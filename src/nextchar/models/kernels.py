"""Functions with derivatives written by hand, because autograd's make more passes over memory.

On a CPU such passes are half of a small model's training step; docs/log.md has the measurements.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def rms_norm(x: Tensor) -> Tensor:
    """x / sqrt(mean(x^2)) over the last axis, no weights (Zhang & Sennrich 2019, 1910.07467).

    In the precision of x; zeros stay zeros.
    """
    if not torch.is_grad_enabled():
        return x * _rms_scale(x)
    normalised: Tensor = _RMSNorm.apply(x)  # type: ignore[no-untyped-call]
    return normalised


def squared_relu(x: Tensor) -> Tensor:
    """max(x, 0)^2 (So et al. 2021, 2109.08668)."""
    if not torch.is_grad_enabled():
        return x.relu().square_()
    squared: Tensor = _SquaredReLU.apply(x)  # type: ignore[no-untyped-call]
    return squared


def _rms_scale(x: Tensor) -> Tensor:
    """sqrt(n) / |x| over the last axis."""
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x.size(-1) ** 0.5 / norm.clamp(min=torch.finfo(x.dtype).tiny ** 0.5)


class _RMSNorm(torch.autograd.Function):
    """y = s x with s = sqrt(n) / |x|, so that dx = s (dy - y mean(y dy))."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        scale = _rms_scale(x)
        y = x * scale
        ctx.save_for_backward(y, scale)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        y, scale = ctx.saved_tensors
        along = (gradient * y).mean(-1, keepdim=True)
        return torch.addcmul(gradient, y, along, value=-1).mul_(scale)


class _SquaredReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        positive = x.relu()
        ctx.save_for_backward(positive)
        return positive * positive

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (positive,) = ctx.saved_tensors
        return torch.mul(gradient, positive).mul_(2)
