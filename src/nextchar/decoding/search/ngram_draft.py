"""A small model that proposes characters: n-grams of the training text, smoothed order by order.

    q_m(x | c) = (count(c x) + K q_{m-1}(x | c')) / (count(c) + K),   q_{-1} uniform

c are the last m characters, c' the last m - 1 (MacKay & Peto 1995). Shapes: R rows, T characters
read, U contexts that were seen, V vocabulary.
"""

import torch
from torch import Tensor

SMOOTHING = 5.0
"""K: the weight of the shorter context, in characters."""


class NgramDraft:
    """Next-character probabilities from the last few characters."""

    def __init__(self, train: Tensor, vocabulary: int, n: int) -> None:
        """Count over the ids [N] of the training text, up to n-grams."""
        self.vocabulary = vocabulary
        # For m = 0, 1, ...: the contexts of m characters as sorted codes [U], and what followed
        # them, [U, V].
        self.orders: list[tuple[Tensor, Tensor]] = []
        for m in range(min(n, len(train))):
            contexts = train.unfold(0, m, 1)[: len(train) - m] if m else train[:, None][:, :0]
            codes, row = torch.unique(_code(contexts, vocabulary), return_inverse=True)
            cells = row * vocabulary + train[m:]
            counts = torch.bincount(cells, minlength=len(codes) * vocabulary)
            self.orders.append((codes, counts.view(-1, vocabulary).float()))

    def probabilities(self, read: Tensor) -> Tensor:
        """[R, V] in float64, after texts [R, T]."""
        device = read.device
        q = torch.full((len(read), self.vocabulary), 1 / self.vocabulary, dtype=torch.float64)
        for m, (codes, followed) in enumerate(self.orders[: read.size(1) + 1]):
            code = _code(read[:, read.size(1) - m :].cpu(), self.vocabulary)
            at = torch.searchsorted(codes, code).clamp(max=len(codes) - 1)
            counts = followed[at].double() * (codes[at] == code)[:, None]
            q = (counts + SMOOTHING * q) / (counts.sum(-1, keepdim=True) + SMOOTHING)
        return q.to(device)


def _code(contexts: Tensor, vocabulary: int) -> Tensor:
    """Each row of ids [R, m] as one whole number."""
    code = torch.zeros(len(contexts), dtype=torch.long)
    for ids in contexts.unbind(1):
        code = code * vocabulary + ids
    return code
