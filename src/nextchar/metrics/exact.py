"""Exact metrics of samplers on held-out text: nothing is drawn, one pass over the model's logits.

At each position the model gives p, the sampler makes r of it, and the text goes on with x. Over
windows of the validation split, in bits and logarithms to the base 2:

    epsilon-perplexity   2^mean(-log2 (r(x) + e) / (1 + e V))     Martins et al. 2020, 2004.02644
    recall               mean [r(x) > 0]            share of human characters that are kept
    kept                 mean #{i: r_i > 0}
    cut mass             mean sum_{i: r_i = 0} p_i
    total variation      mean 1/2 sum_i |r_i - p_i|
    divergence           mean KL(r || p) = mean sum_i r_i log2 r_i / p_i
    entropy              mean -sum_i r_i log2 r_i

Shapes: N positions, V characters, B blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nextchar.metrics.estimators import BLOCKS, RatioEstimator
from nextchar.metrics.statistics import Floats
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler

CHUNK = 4096
"""Positions whose distributions are held at a time: some 2 MB a matrix at V = 65."""
DECILES = 10
_BATCH = 32  # windows that the model reads at a time

UNITS = {
    "epsilon_perplexity": "characters",
    "recall": "share",
    "kept_on_human": "characters",
    "cut_mass": "share",
    "total_variation": "share",
    "divergence_from_model": "bits",
    "entropy_on_human": "bits",
}


@dataclass(frozen=True)
class Positions:
    """Positions of the validation split with the model's logits [N, V] (float32, on the CPU).

    `starts` [N] is the index of the position's character in the split; `targets` [N] the character
    that stands there, and `blocks` [N] the stretch of the split that it lies in, from 0.
    """

    logits: Tensor
    targets: Tensor
    starts: Tensor
    blocks: Tensor

    @property
    def count(self) -> int:
        """B."""
        return int(self.blocks[-1]) + 1


@torch.no_grad()
def read(model: LanguageModel, validation: Tensor, *, most: int, blocks: int) -> Positions:
    """The model's logits over the validation split [N + 1], by the protocol of its loss.

    Windows of `model.context` characters, each character predicted from those before it in its
    window; a last window that is not full is left out, unless it is the only one. Of a split longer
    than `most` characters, evenly spaced windows. Neighbouring windows are gathered into at most
    `blocks` blocks.
    """
    model.eval()
    width = min(model.context, len(validation) - 1)
    windows = (len(validation) - 1) // width
    taken = min(windows, max(most // width, 1))
    starts = torch.arange(taken) * windows // taken * width
    places = starts[:, None] + torch.arange(width)
    device = next(model.parameters()).device
    parts = [model(validation[part].to(device)).float().cpu() for part in places.split(_BATCH)]
    block = torch.arange(taken) * min(blocks, taken) // taken
    return Positions(
        logits=torch.cat(parts).flatten(0, 1),
        targets=validation[places + 1].flatten(),
        starts=(places + 1).flatten(),
        blocks=block.repeat_interleave(width),
    )


def exact_sums(samplers: Sequence[Sampler], at: Positions, epsilon: float) -> list[RatioEstimator]:
    """Every exact metric of every sampler, in one pass that holds CHUNK positions at a time."""
    deciles = _deciles(at)
    totals = np.zeros((len(samplers), len(UNITS), at.count))
    kept = np.zeros((len(samplers), DECILES, at.count))
    counts = np.bincount(at.blocks, minlength=at.count).astype(float)
    in_decile = np.zeros((DECILES, at.count))
    np.add.at(in_decile, (deciles, at.blocks.numpy()), 1.0)
    for chunk in _chunks(at):
        log_model = torch.log_softmax(at.logits[chunk].double(), dim=-1)
        blocks = at.blocks[chunk].numpy()
        for index, sampler in enumerate(samplers):
            columns = measures(
                sampler.distribution(at.logits[chunk]), log_model, at.targets[chunk], epsilon
            ).numpy()
            for place, column in enumerate(columns):
                totals[index, place] += np.bincount(blocks, column, minlength=at.count)
            np.add.at(kept[index], (deciles[chunk], blocks), columns[2])
    return [
        each
        for index, sampler in enumerate(samplers)
        for each in _sums(sampler.label, totals[index], counts, kept[index], in_decile)
    ]


def measures(chosen: Tensor, log_model: Tensor, targets: Tensor, epsilon: float) -> Tensor:
    """The seven quantities in the order of `UNITS`, [7, N], before any mean.

    `chosen` [N, V] is the sampler's distribution, `log_model` [N, V] the natural logarithm of the
    model's, `targets` [N] what the text goes on with.
    """
    V = chosen.size(-1)
    hit = chosen.gather(-1, targets[:, None]).squeeze(-1)
    support = chosen > 0
    model = log_model.exp()
    entropy = torch.special.entr(chosen).sum(-1)
    cross = torch.where(support, chosen * log_model, 0.0).sum(-1)
    nats = 1 / np.log(2)
    return torch.stack(
        (
            -torch.log2((hit + epsilon) / (1 + epsilon * V)),
            (hit > 0).double(),
            support.double().sum(-1),
            torch.where(support, 0.0, model).sum(-1),
            0.5 * (chosen - model).abs().sum(-1),
            (-entropy - cross).clamp_min(0.0) * nats,
            entropy * nats,
        )
        # A sampler that is the model is not 1e-17 away from it.
    ).round(decimals=12)


def _chunks(at: Positions) -> Iterator[slice]:
    for start in range(0, len(at.targets), CHUNK):
        yield slice(start, start + CHUNK)


def _deciles(at: Positions) -> np.ndarray:
    """Which tenth of the positions, by the model's entropy, each lies in, [N]; 0 is the surest."""
    entropy = np.concatenate(
        [
            torch.distributions.Categorical(logits=at.logits[chunk].double()).entropy().numpy()
            for chunk in _chunks(at)
        ]
    )
    ranks = np.empty(len(entropy), dtype=np.int64)
    ranks[np.argsort(entropy, kind="stable")] = np.arange(len(entropy))
    return ranks * DECILES // len(entropy)


def _sums(
    label: str, totals: Floats, counts: Floats, kept: Floats, in_decile: Floats
) -> Iterator[RatioEstimator]:
    for (name, unit), column in zip(UNITS.items(), totals, strict=True):
        exponential = name == "epsilon_perplexity"
        yield RatioEstimator(label, name, unit, column, counts, BLOCKS, exponential=exponential)
    for decile in range(DECILES):
        name = f"kept_in_decile_{decile + 1}"
        yield RatioEstimator(label, name, "characters", kept[decile], in_decile[decile], BLOCKS)
