"""A small model that proposes characters: n-grams of the training text, smoothed order by order.

    q_m(x | c) = (count(c x) + K q_{m-1}(x | c')) / (count(c) + K),   q_{-1} uniform

c are the last m characters, c' the last m - 1 (MacKay & Peto 1995). Shapes: R rows, T characters
read, U contexts that were seen, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SMOOTHING = 5.0
"""K: the weight of the shorter context, in characters."""


@dataclass(frozen=True)
class _Order:
    """Contexts of m characters as sorted codes [U], and what followed them, [U, V]."""

    m: int
    codes: Tensor
    counts: Tensor


@dataclass(frozen=True)
class NgramDraft:
    """Next-character probabilities from the last few characters."""

    vocabulary: int
    orders: tuple[_Order, ...]

    @classmethod
    def of(cls, train: Tensor, vocabulary: int, n: int) -> NgramDraft:
        """Counted over the ids [N] of the training text, up to n-grams."""
        orders = []
        for m in range(min(n, len(train))):
            contexts = train.unfold(0, m, 1)[: len(train) - m] if m else train[:, None][:, :0]
            codes, row = torch.unique(_code(contexts, vocabulary), return_inverse=True)
            cells = row * vocabulary + train[m:]
            counts = torch.bincount(cells, minlength=len(codes) * vocabulary)
            orders.append(_Order(m, codes, counts.view(-1, vocabulary).float()))
        return cls(vocabulary, tuple(orders))

    def probabilities(self, read: Tensor) -> Tensor:
        """[R, V] in float64, after texts [R, T]."""
        device = read.device
        q = torch.full((len(read), self.vocabulary), 1 / self.vocabulary, dtype=torch.float64)
        for order in self.orders:
            if order.m > read.size(1):
                break
            code = _code(read[:, read.size(1) - order.m :].cpu(), self.vocabulary)
            at = torch.searchsorted(order.codes, code).clamp(max=len(order.codes) - 1)
            seen = (order.codes[at] == code)[:, None]
            counts = order.counts[at].double() * seen
            q = (counts + SMOOTHING * q) / (counts.sum(-1, keepdim=True) + SMOOTHING)
        return q.to(device)


def _code(contexts: Tensor, vocabulary: int) -> Tensor:
    """Each row of ids [R, m] as one whole number."""
    code = torch.zeros(len(contexts), dtype=torch.long)
    for ids in contexts.unbind(1):
        code = code * vocabulary + ids
    return code
