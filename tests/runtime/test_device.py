"""What is chosen of the machine: kernels."""

from __future__ import annotations

import pytest
import torch

from nextchar.runtime import device


@pytest.mark.parametrize("asked", [True, False])
def test_what_torch_vouches_for_is_asked_for_again(asked: bool) -> None:
    before = torch.are_deterministic_algorithms_enabled()
    try:
        torch.use_deterministic_algorithms(asked)
        with pytest.raises(KeyError), device.allow_nondeterministic():
            assert not torch.are_deterministic_algorithms_enabled()
            raise KeyError
        assert torch.are_deterministic_algorithms_enabled() is asked
    finally:
        torch.use_deterministic_algorithms(before)
