"""The logits, texts and cases on which samplers are compared with transformers; numpy alone.

Kinds: peaked and flat normal logits, logits with -inf, logits rounded to float16, and tied ones (a
few values only). Everything comes from PCG64 by seed, which is the same on every platform.
"""

from __future__ import annotations

import numpy as np

Case = dict[str, float]

SMALL, LARGE = 65, 50_257
KINDS = ("peaked", "flat", "impossible", "float16", "tied")
TIED = ("float16", "tied")
"""Kinds with equal logits in a row: two of 65 float16 numbers are equal now and then."""

ROWS = {SMALL: 2000, LARGE: 4}
GROUP = {SMALL: 10, LARGE: 1}
"""Rows of each kind, and how many of them share one recorded number."""

READ = 80
"""Characters that each row has read, for the samplers that remember."""

CASES: tuple[Case, ...] = (
    {"temperature": 0.7},
    {"temperature": 1.5},
    {"top_k": 1},
    {"top_k": 5},
    {"top_k": 20},
    {"top_p": 0.5},
    {"top_p": 0.9},
    {"top_p": 0.99},
    {"min_p": 0.02},
    {"min_p": 0.3},
    {"typical": 0.2},
    {"typical": 0.95},
    {"epsilon": 2.0**-10},
    {"epsilon": 0.04},
    {"eta": 2.0**-10},
    {"eta": 2.0**-4},
    {"top_h": 0.4},
    {"top_h": 0.8},
    {"repetition_penalty": 1.3},
    {"no_repeat_ngram": 2},
    {"no_repeat_ngram": 3},
    {"repetition_penalty": 1.2, "temperature": 0.7, "top_p": 0.95},
    {"top_p": 0.95, "temperature": 0.7},
    {"temperature": 0.7, "top_k": 20, "top_p": 0.9, "min_p": 0.05},
)


def logits(kind: str, size: int) -> np.ndarray:
    """Logits [ROWS, size] of one kind, float64."""
    generator = np.random.default_rng((KINDS.index(kind), size))
    rows = generator.standard_normal((ROWS[size], size))
    if kind == "flat":
        return 0.1 * rows
    if kind == "float16":
        return (3 * rows).astype(np.float16).astype(np.float64)
    if kind == "tied":
        return np.round(2 * rows)
    if kind == "impossible":
        rows[generator.random(rows.shape) < 0.5] = -np.inf
        rows[:, 0] = 0  # something is possible in every row
    return 4 * rows


def histories(size: int) -> np.ndarray:
    """Texts [ROWS, READ] over the first eight characters, so that they repeat themselves."""
    return np.random.default_rng((99, size)).integers(0, 8, (ROWS[size], READ))


def asked(size: int, kind: str, case: Case) -> bool:
    """Whether transformers' answer is one: it takes top-h among the 100 most probable tokens only,

    and what a nucleus is after a top-k that kept all equals is another question than ours.
    """
    if "top_h" in case:
        return size == SMALL
    return kind not in TIED or not {"top_k", "top_p"} <= case.keys()


def project(kind: str, probabilities: np.ndarray) -> np.ndarray:
    """One number for each group of rows [ROWS, size]: a projection on normal directions.

    Of tied logits the sorted probabilities are taken: which of equals a sampler keeps is no
    property of the distribution, how many it keeps is.
    """
    size = probabilities.shape[1]
    if kind in TIED:
        probabilities = -np.sort(-probabilities, axis=1)
    direction = np.random.default_rng((100, size)).standard_normal((GROUP[size], size))
    grouped = probabilities.reshape(-1, GROUP[size], size)
    return np.einsum("gij,ij->g", grouped, direction)
