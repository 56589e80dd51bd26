"""The functions with derivatives of their own, against torch's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.models.kernels import rms_norm, squared_relu

Function = Callable[[Tensor], Tensor]


def by_torch(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.size(-1),), eps=1e-30)


pairs = pytest.mark.parametrize(
    ("ours", "theirs"),
    [(rms_norm, by_torch), (squared_relu, lambda x: x.relu().square())],
    ids=["rms_norm", "squared_relu"],
)


@pairs
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.03)]
)
def test_values_and_derivatives_are_those_of_torch(
    ours: Function, theirs: Function, dtype: torch.dtype, tolerance: float
) -> None:
    generator = torch.Generator().manual_seed(0)
    x, gradient = torch.randn(2, 3, 5, 8, generator=generator, dtype=torch.float64)
    x.requires_grad_()
    expected = theirs(x)
    (slope,) = torch.autograd.grad(expected, x, gradient)
    given = x.detach().to(dtype).requires_grad_()
    found = ours(given)
    (found_slope,) = torch.autograd.grad(found, given, gradient.to(dtype))
    assert found.dtype == found_slope.dtype == dtype
    torch.testing.assert_close(found.double(), expected, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(found_slope.double(), slope, atol=4 * tolerance, rtol=tolerance)


@pairs
def test_derivatives_are_those_of_the_values(ours: Function, theirs: Function) -> None:
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.autograd.gradcheck(ours, x.requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_norm_of_nothing_is_nothing(dtype: torch.dtype) -> None:
    zeros = torch.zeros(2, 4, dtype=dtype, requires_grad=True)
    normalised = rms_norm(zeros)
    (slope,) = torch.autograd.grad(normalised.sum(), zeros)
    assert (normalised == 0).all()
    assert slope.isfinite().all()
