"""Record what Hugging Face transformers makes of random logits: run it where transformers is.

    python tests/oracle/record.py [--check]

It needs torch, numpy and transformers and nothing of nextchar, and writes recorded.npz beside
itself: for every case and group of rows one number, a random projection of their probabilities in
float64. Neither those nor the logits are stored: `rows.py` makes the logits again, bit for bit.
With --check nothing is written, and the exit status says whether the file still holds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers
from rows import CASES, GROUP, KINDS, ROWS, Case, asked, histories, logits, project
from transformers.generation import logits_process as processors

FILE = Path(__file__).with_name("recorded.npz")

MAKE: dict[str, Callable[..., processors.LogitsProcessor]] = {
    "temperature": processors.TemperatureLogitsWarper,
    "top_k": processors.TopKLogitsWarper,
    "top_p": processors.TopPLogitsWarper,
    "min_p": processors.MinPLogitsWarper,
    "typical": processors.TypicalLogitsWarper,
    "epsilon": processors.EpsilonLogitsWarper,
    "eta": processors.EtaLogitsWarper,
    "top_h": processors.TopHLogitsWarper,
    "repetition_penalty": processors.RepetitionPenaltyLogitsProcessor,
    "no_repeat_ngram": processors.NoRepeatNGramLogitsProcessor,
}


def probabilities(case: Case, scores: torch.Tensor, read: torch.Tensor) -> torch.Tensor:
    for name, value in case.items():
        scores = MAKE[name](value)(read, scores)
    return torch.softmax(scores, dim=-1)


def record() -> dict[str, np.ndarray]:
    """For each size the numbers [kinds, cases, groups]; NaN for what is not asked."""
    recorded = {}
    for size in ROWS:
        groups = ROWS[size] // GROUP[size]
        numbers = np.full((len(KINDS), len(CASES), groups), np.nan)
        read = torch.from_numpy(histories(size))
        for i, kind in enumerate(KINDS):
            rows = torch.from_numpy(logits(kind, size))
            for j, case in enumerate(CASES):
                if asked(size, kind, case):
                    found = probabilities(case, rows.clone(), read)
                    numbers[i, j] = project(kind, found.numpy())
        recorded[str(size)] = numbers
    return recorded


def main() -> None:
    found = record()
    by = f"transformers {transformers.__version__}, torch {torch.__version__}"
    if "--check" not in sys.argv[1:]:
        np.savez_compressed(FILE, by=np.array(by), **found)
        print(f"{FILE}: {FILE.stat().st_size:,} bytes, by {by}")
        return
    with np.load(FILE) as stored:
        for size, numbers in found.items():
            if not np.allclose(stored[size], numbers, rtol=0, atol=1e-12, equal_nan=True):
                sys.exit(f"{FILE.name}, recorded by {stored['by']}, differs from {by} at {size}")
    print(f"{FILE.name} holds: {by}")


if __name__ == "__main__":
    main()
