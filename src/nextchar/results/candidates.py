"""The likeliest characters at each place of some texts: candidates.npz.

Shapes: R texts, L characters of a text, K candidates of each place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nextchar.runtime import files


@dataclass(frozen=True)
class Candidates:
    """`texts` are the (sampler, prompt, sample) of each row; `ids` [R, L, K] the characters from
    the likeliest on, `bits` [R, L, K] their -log2 p under the untouched model."""

    texts: Sequence[tuple[str, int, int]]
    ids: np.ndarray
    bits: np.ndarray


def write_candidates(path: Path, candidates: Candidates) -> None:
    """Write candidates.npz."""
    samplers, prompts, samples = (
        np.array(column) for column in zip(*candidates.texts, strict=True)
    )
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            samplers=samplers,
            prompts=prompts,
            samples=samples,
            ids=candidates.ids.astype(np.uint16),
            bits=candidates.bits.astype(np.float32),
        )


def read_candidates(path: Path) -> Candidates | None:
    """Read candidates.npz; a run whose page holds its model has none."""
    if not path.exists():
        return None
    with np.load(path) as stored:
        keys = (stored[name].tolist() for name in ("samplers", "prompts", "samples"))
        return Candidates(list(zip(*keys, strict=True)), stored["ids"], stored["bits"])
