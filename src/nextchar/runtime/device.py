"""The machine that a run computes on: device, threads, memory, and what to say of them."""

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
    """`auto` is cuda, else mps, else cpu. Raises ConfigError for a device that isn't there."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(name for name, there in available.items() if there)
    if not available[device]:
        there = ", ".join(name for name, is_there in available.items() if is_there)
        raise ConfigError(f"device={device}: not available here; choose auto, or one of {there}")
    return torch.device(device)


def precision(asked: str, device: torch.device) -> torch.dtype:
    """The dtype of a training's matrix products: `bfloat16`, `float32`, or `auto`.

    `auto` is bfloat16 where the processor multiplies it natively, which is up to three times as
    fast as float32, and float32 elsewhere: emulated, bfloat16 is fifty times as slow.
    """
    if asked == "auto":
        asked = "bfloat16" if _multiplies_bfloat16(device) else "float32"
    return {"bfloat16": torch.bfloat16, "float32": torch.float32}[asked]


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def rng_devices() -> list[int]:
    """The GPU whose generator torch.random.fork_rng is to keep: that of this process, if any."""
    return [torch.cuda.current_device()] if torch.cuda.is_available() else []


def select_gpu(turn: int) -> None:
    """Of several GPUs, make the one whose turn it is that of this process."""
    count = torch.cuda.device_count()
    if count > 1:
        torch.cuda.set_device(turn % count)


@contextmanager
def allow_nondeterministic() -> Iterator[None]:
    """Inside, torch may take kernels that it doesn't vouch for: say there why the bits are safe."""
    asked = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(asked)


def configure_torch(threads: int) -> None:
    """Fix what decides the bits and the speed of this process: threads, determinism, memory."""
    torch.set_num_threads(threads)
    # Deterministic kernels on the GPU; cuBLAS asks for the variable.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # Which also fills memory that will be written anyway: a twentieth of a step, for nothing.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    _keep_large_tensors()


def _keep_large_tensors() -> None:
    """Let glibc keep freed memory: by default it returns every large tensor to the kernel, and the
    next one of its size is faulted in again, page by page."""
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL("libc.so.6")
        trim_threshold, mmap_threshold = -1, -3
        libc.mallopt(mmap_threshold, 1 << 30)
        libc.mallopt(trim_threshold, (1 << 31) - 1)


def describe(device: torch.device) -> dict[str, Any]:
    """What a reader needs to know of the machine to place a figure."""
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
