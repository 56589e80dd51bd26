"""What is chosen of the machine: devices, precision, kernels."""

from __future__ import annotations

import pytest
import torch

from nextchar import device


@pytest.mark.parametrize(
    ("asked", "flags", "expected"),
    [
        ("auto", ["sse2", "avx512_bf16"], "bfloat16"),
        ("auto", ["amx_bf16"], "bfloat16"),
        ("auto", ["sse2", "avx2"], "float32"),
        ("auto", [], "float32"),
        ("bfloat16", [], "bfloat16"),
        ("float32", ["amx_bf16"], "float32"),
    ],
)
def test_auto_is_bfloat16_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, asked: str, flags: list[str], expected: str
) -> None:
    monkeypatch.setattr(device, "_flags", lambda: flags)
    assert device.precision(asked, torch.device("cpu")) == expected


@pytest.mark.parametrize(
    ("capability", "expected"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")]
)
def test_auto_is_bfloat16_on_gpus_since_ampere(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda where: capability)
    assert device.precision("auto", torch.device("cuda")) == expected
    assert device.precision("auto", torch.device("mps")) == "float32"


@pytest.mark.parametrize("asked", [True, False])
def test_what_torch_vouches_for_is_asked_for_again(asked: bool) -> None:
    before = torch.are_deterministic_algorithms_enabled()
    try:
        torch.use_deterministic_algorithms(asked)
        with pytest.raises(KeyError), device.any_algorithm():
            assert not torch.are_deterministic_algorithms_enabled()
            raise KeyError
        assert torch.are_deterministic_algorithms_enabled() is asked
    finally:
        torch.use_deterministic_algorithms(before)
