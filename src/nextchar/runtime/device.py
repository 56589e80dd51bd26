"""The machine that a run computes on: device, precision, threads, memory, and its description."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from nextchar.config import ConfigError


def choose(device: str) -> torch.device:
    """The device by name; `auto` is cuda, else mps, else cpu. Raises ConfigError if unavailable."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(name for name, usable in available.items() if usable)
    if not available[device]:
        usable = ", ".join(name for name, usable in available.items() if usable)
        raise ConfigError(f"device={device}: not available here; choose auto, or one of {usable}")
    return torch.device(device)


def precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of a training's matrix products: `bfloat16`, `float32`, or `auto`.

    `auto` is bfloat16 where the processor supports it natively, up to three times as fast as
    float32, and float32 elsewhere, where emulated bfloat16 is fifty times as slow.
    """
    if name == "auto":
        name = "bfloat16" if _multiplies_bfloat16(device) else "float32"
    return {"bfloat16": torch.bfloat16, "float32": torch.float32}[name]


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def rng_devices() -> list[int]:
    """The GPU whose generator torch.random.fork_rng must restore: this process's own, if any."""
    return [torch.cuda.current_device()] if torch.cuda.is_available() else []


def select_gpu(index: int) -> None:
    """Use GPU number `index`, modulo their count, in this process."""
    count = torch.cuda.device_count()
    if count > 1:
        torch.cuda.set_device(index % count)


@contextmanager
def allow_nondeterministic() -> Iterator[None]:
    """Allows nondeterministic kernels; callers must justify why results are still deterministic."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("default")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)


def configure_torch(threads: int) -> None:
    """Configure threads, determinism and memory allocation of this process."""
    torch.set_num_threads(threads)
    # cuBLAS needs the variable to be deterministic.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # As use_deterministic_algorithms(True), which also imports torch's compiler: over a second.
    torch.set_deterministic_debug_mode("error")
    # Deterministic mode also fills new memory, which takes 5% of a step without any use here.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    _keep_large_tensors()


def _keep_large_tensors() -> None:
    """Let glibc keep freed memory. By default it returns every large tensor to the kernel, and the
    next tensor of that size causes a page fault for each of its pages."""
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL("libc.so.6")
        trim_threshold, mmap_threshold = -1, -3
        libc.mallopt(mmap_threshold, 1 << 30)
        libc.mallopt(trim_threshold, (1 << 31) - 1)


def describe(device: torch.device) -> dict[str, Any]:
    """The facts about the machine that a reader needs to interpret a result."""
    facts: dict[str, Any] = {
        "device": device.type,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(),
    }
    if device.type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name(device)
    return facts


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
