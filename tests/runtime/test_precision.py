"""Which precision a training takes: nextchar.device.precision."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from nextchar.config import compose
from nextchar.runtime import device

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["bfloat16", "float32"])
def test_what_is_asked_for_is_taken(name: str) -> None:
    assert device.precision(name, CPU) == getattr(torch, name)


@pytest.mark.skipif(sys.platform != "linux", reason="the flags are read from /proc/cpuinfo")
def test_auto_is_bfloat16_where_the_processor_has_it() -> None:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    native = "avx512_bf16" in flags or "amx_bf16" in flags
    assert device.precision("auto", CPU) == (torch.bfloat16 if native else torch.float32)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx512_f": True, "avx512_bf16": False}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_auto_asks_for_native_products(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert device.precision("auto", CPU) == expected
    assert device.precision("auto", torch.device("mps")) == torch.float32


def test_the_default_asks_for_auto() -> None:
    assert compose().training.precision == "auto"
