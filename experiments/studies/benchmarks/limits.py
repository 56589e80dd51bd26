"""The machine's own limits, measured: products per second and bytes per second."""

from __future__ import annotations

import torch

from studies.benchmarks.rounds import timed

COPIED = {"cpu": 1 << 26, "cuda": 1 << 30}
"""Bytes copied to measure the bandwidth: more than any processor cache holds."""


def gflops(dtype: torch.dtype, rows: int = 768, width: int = 512) -> float:
    """GFLOP/s of a product [rows, width] by [width, width], the shape of a large layer's step."""
    left, right = (torch.ones(size, width, dtype=dtype) for size in (rows, width))
    left @ right
    repeats = 50
    seconds = timed(lambda: [left @ right for _ in range(repeats)])
    return 2 * rows * width * width * repeats / seconds / 1e9


def bandwidth(device: torch.device) -> float:
    """Bytes per second that a copy within the device's memory reads and writes."""
    source = torch.zeros(COPIED[device.type], dtype=torch.uint8, device=device)
    target = torch.ones_like(source)

    def copy() -> None:
        target.copy_(source)
        target[-1].item()  # waits for the device

    copy()
    return 2 * COPIED[device.type] / timed(copy)
