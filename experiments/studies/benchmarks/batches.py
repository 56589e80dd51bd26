"""Characters per second at several batch sizes, compared with the bound of the memory bandwidth.

A step of B rows reads every weight once and the cache of every row, so it takes at least those
bytes divided by the device's bandwidth, which is measured by a copy. Prompts fill the window, so
that every step reads the whole cache. One sampler (top-k 5) chooses, and the metrics of a
comparison are computed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nextchar.decoding import engine
from nextchar.decoding.engine import Row
from nextchar.models.transformer import Transformer
from nextchar.samplers import build
from studies.benchmarks import limits, rounds, subject


def run(batches: Sequence[int], length: int, repeats: int, device: torch.device) -> None:
    """Print, for each batch size, the speed and its share of the bound."""
    model = subject.transformer().to(device)
    bandwidth = max(limits.bandwidth(device) for _ in range(repeats))
    print(f"{device.type}: a copy reads and writes {bandwidth / 1e9:,.3g} GB/s")
    for size in batches:
        generator = torch.Generator().manual_seed(size)
        prompts = torch.randint(subject.VOCABULARY, (size, model.context), generator=generator)
        taken = [write(model, prompts.to(device), length) for _ in range(repeats)]
        speeds = [size * length / each for each in taken]
        bound = size * bandwidth / bytes_read(model, size)
        shares = [speed / bound for speed in speeds]
        print(
            f"batch {size:5}   {rounds.spread(speeds)} characters/s   bound {bound:,.0f}   "
            f"share of it {rounds.spread(shares)}",
            flush=True,
        )


def write(model: Transformer, prompts: Tensor, length: int) -> float:
    """Seconds to generate `length` characters after each of prompts [B, T], as one block."""
    rows = [Row(0, i, 0) for i in range(len(prompts))]
    return rounds.timed(
        lambda: engine.generate(
            model,
            prompts,
            [build({"top_k": 5})],
            rows,
            length=length,
            seed=0,
            on_progress=lambda done: None,
            block_size=len(rows),
        )
    )


def bytes_read(model: Transformer, size: int) -> int:
    """Bytes that one step of `size` rows must read: the weights, and keys and values."""
    weights = sum(each.numel() * each.element_size() for each in model.parameters())
    per_row = 2 * len(model.blocks) * model.key_value_heads * model.context * model.head_width
    return weights + size * per_row * model.head.weight.element_size()
