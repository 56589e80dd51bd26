"""nextchar.training.muon."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nextchar.training.muon import Muon, orthogonalize

SHAPES = [(6, 6), (6, 24), (24, 6), (6, 24), (24, 6)]


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 8, 32), (2, 32, 8)])
def test_orthogonalized_matrices_keep_their_directions(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    s = torch.linalg.svdvals(orthogonalize(matrices))
    assert s.min() > 0.4
    assert s.max() < 1.3
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    nearest = left @ right
    cosine = (orthogonalize(matrices) * nearest).sum((1, 2)) / nearest.square().sum((1, 2))
    assert (cosine > 0.7).all()


def test_a_matrix_is_orthogonalized_alone() -> None:
    matrices = torch.randn(3, 4, 9, generator=torch.Generator().manual_seed(1))
    together = orthogonalize(matrices)
    for matrix, expected in zip(matrices, together, strict=True):
        torch.testing.assert_close(orthogonalize(matrix[None])[0], expected)


def test_nothing_is_made_of_nothing() -> None:
    assert torch.equal(orthogonalize(torch.zeros(1, 3, 4)), torch.zeros(1, 3, 4))


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(2)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_it_walks_as_torchs_own_does(decay: float) -> None:
    """To the precision of bfloat16, in which torch.optim.Muon multiplies."""
    own, theirs = parameters(), parameters()
    ours = Muon(own, lr=0.02, momentum=0.9, weight_decay=decay, dtype=torch.bfloat16)
    torchs = torch.optim.Muon(theirs, lr=0.02, momentum=0.9, weight_decay=decay)
    generator = torch.Generator().manual_seed(3)
    start = parameters()
    for _ in range(5):
        for one, other in zip(own, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        ours.step()
        torchs.step()
    for before, one, other in zip(start, own, theirs, strict=True):
        moved = (one - before).norm()
        assert (one - other).norm() < 0.03 * moved
        assert moved > 0.1


def test_the_precision_is_the_one_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(matrices: torch.Tensor) -> torch.Tensor:
        seen.append(matrices.dtype)
        return orthogonalize(matrices)

    monkeypatch.setattr("nextchar.training.muon.orthogonalize", watched)
    for dtype in (torch.float32, torch.bfloat16):
        (matrix,) = parameters()[:1]
        matrix.grad = torch.ones_like(matrix)
        Muon([matrix], lr=0.1, momentum=0.9, weight_decay=0.0, dtype=dtype).step()
        assert matrix.dtype == torch.float32
    assert seen == [torch.float32, torch.bfloat16]


def test_what_has_no_gradient_stays() -> None:
    one, other = parameters()[:2]
    other.grad = torch.ones_like(other)
    before = one.clone()
    Muon([one, other], lr=0.1, momentum=0.9, weight_decay=0.5, dtype=torch.float32).step()
    assert torch.equal(one, before)
