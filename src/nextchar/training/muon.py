"""Muon: momentum with its matrices orthogonalised.

Jordan et al. 2024, kellerjordan.github.io/posts/muon.

`torch.optim.Muon` always multiplies in bfloat16; without native bfloat16 that takes fifty times as
long as float32, and ten times as long as the rest of a step. Here the precision is that of the
training, and matrices of equal shape are multiplied together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of a x + b x^3 + c x^5, which is steep at 0 and brings every singular value near 1."""

ITERATIONS = 5


def orthogonalize(matrices: Tensor) -> Tensor:
    """Approximately the nearest semi-orthogonal matrices [N, R, C]; singular values 0.7 to 1.2.

    Newton-Schulz iterations of the quintic, in the precision of the input.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.size(-2) > matrices.size(-1)
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon:
    """W <- (1 - lr decay) W - lr sqrt(max(1, R / C)) O, O the orthogonalised Nesterov momentum.

    `dtype` is that of the matrix products; weights, gradients and momentum keep theirs.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        *,
        lr: float,
        momentum: float,
        weight_decay: float,
        dtype: torch.dtype,
    ) -> None:
        self.parameters = list(matrices)
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.dtype = dtype
        self.state = [{"momentum_buffer": torch.zeros_like(each)} for each in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Update every matrix that has a gradient."""
        by_shape: dict[torch.Size, list[tuple[nn.Parameter, Tensor]]] = {}
        for matrix, state in zip(self.parameters, self.state, strict=True):
            if matrix.grad is not None:  # the running mean of gradients, mixed with the newest
                mean = state["momentum_buffer"].lerp_(matrix.grad, 1 - self.momentum)
                nesterov = matrix.grad.lerp(mean, self.momentum)
                by_shape.setdefault(matrix.shape, []).append((matrix, nesterov))
        for (rows, columns), pairs in by_shape.items():
            orthogonal = orthogonalize(torch.stack([each for _, each in pairs]).to(self.dtype))
            rate = self.lr * math.sqrt(max(1, rows / columns))
            for (matrix, _), update in zip(pairs, orthogonal, strict=True):
                matrix.mul_(1 - self.lr * self.weight_decay).sub_(update, alpha=rate)
