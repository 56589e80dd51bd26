"""What truncation costs and gains: impossible and lost mass along each sampler's parameter.

Shapes: n positions of a chunk, V characters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from nextchar.metrics.estimators import BLOCKS, RatioEstimator
from nextchar.metrics.ground_truth import (
    Truth,
    impossible_mass,
    lost_mass,
    truth_distance,
    truth_divergence,
)
from nextchar.metrics.positions import Distributions, Positions, block_sums
from nextchar.results import Metric, Truncation, number
from nextchar.results.labels import split_last
from nextchar.runtime import progress
from nextchar.samplers import Sampler

ORACLE = "oracle"
ORACLE_PRICES = tuple(float(price) for price in np.logspace(-1.5, 3.5, 26))
"""What a share of impossible mass costs the oracle, in shares of lost mass."""


COLUMNS = {
    "impossible": impossible_mass,
    "lost": lost_mass,
    "divergence": truth_divergence,
    "distance": truth_distance,
}


def truncation_sums(
    at: Positions, truth: Truth, families: Sequence[Sequence[Sampler]]
) -> list[RatioEstimator]:
    """The COLUMNS of every family along its `grid`, and the first two of the oracle, block by block
    and under the labels `top_k=5` and `oracle=0.1`.

    The oracle sees the truth, but must keep the model's most probable characters, as top-k,
    nucleus and min-p do: at each position it cuts where price * impossible + lost mass is least. No
    such sampler can lie below its curve, whatever rule it cuts by. Temperature cuts nothing: what
    it makes improbable shows in the divergence alone.
    """
    samplers = [sampler for family in families for sampler in family]
    done = 0
    with progress.task("truncation", len(at.targets)) as task:

        def columns(chunk: Positions) -> Iterator[Tensor]:
            nonlocal done
            assert chunk.true is not None
            for sampler in samplers:
                found = Distributions.of(sampler, chunk)
                yield from (measure(found) for measure in COLUMNS.values())
            cut = oracle_cuts(torch.softmax(chunk.logits.double(), -1), chunk.true)
            for price in ORACLE_PRICES:
                yield from cut(price)
            done += len(chunk.targets)
            task.update(done)

        totals = block_sums(truth.chunks(at), at.count, columns)
    counts = np.bincount(at.blocks, minlength=at.count).astype(float)
    labels = [
        *((sampler.label, column) for sampler in samplers for column in COLUMNS),
        *((f"{ORACLE}={number(price)}", c) for price in ORACLE_PRICES for c in list(COLUMNS)[:2]),
    ]
    return [
        RatioEstimator(label, column, "", own, counts, BLOCKS)
        for (label, column), own in zip(labels, totals, strict=True)
    ]


def truncation_rows(figures: Iterable[Metric]) -> list[Truncation]:
    """The rows of truncation.csv, from the values and intervals of its sums."""
    found: dict[str, dict[str, tuple[float, float, float]]] = {}
    for row in figures:
        found.setdefault(row.sampler, {})[row.metric] = (row.value, row.low, row.high)
    unknown = (np.nan, np.nan, np.nan)  # of the oracle
    rows = []
    for label, columns in found.items():
        parts = split_last(label)
        assert parts is not None
        ends = (end for column in COLUMNS for end in columns.get(column, unknown))
        rows.append(Truncation(*parts, *ends))
    return rows


def oracle_cuts(model: Tensor, true: Tensor) -> Callable[[float], tuple[Tensor, Tensor]]:
    """From a price to (impossible mass, lost mass), each [N], of the best cut at each position.

    `model` and `true` are [N, V]; what is kept is a number of the model's most probable characters.
    """
    ordered, order = torch.sort(model, dim=-1, descending=True, stable=True)
    sorted_true = true.gather(-1, order)
    wrong = torch.where(sorted_true == 0, ordered, 0.0).cumsum(-1) / ordered.cumsum(-1)
    lost = (1 - sorted_true.cumsum(-1)).clamp_min(0.0)

    def cut(price: float) -> tuple[Tensor, Tensor]:
        best = (price * wrong + lost).argmin(-1, keepdim=True)
        return wrong.gather(-1, best).squeeze(-1), lost.gather(-1, best).squeeze(-1)

    return cut
