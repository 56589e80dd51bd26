"""Exact metrics of samplers on held-out text: nothing is drawn, one pass over the model's logits.

At each position the model gives p, the sampler makes r of it, and the text goes on with x. The
metrics are means over windows of the validation split, in bits and logarithms to the base 2.
Shapes: n positions, V characters.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from nextchar.metrics.catalog import EXACT, SURENESS, metric
from nextchar.metrics.positions import DECILES, Distributions

_NATS = 1 / math.log(2)


_exact = partial(metric, kind="positions", group=EXACT)


@_exact(
    "epsilon_perplexity",
    "characters",
    "ε-ppl",
    "ε-perplexity of human text",
    ("expected", "unexpected"),
    bounds=(1, None),
    exponential=True,
    headline=True,
)
def epsilon_perplexity(found: Distributions) -> Tensor:
    """2 to the bits per character that held-out text costs under the sampler's distribution, into
    which a trace of the uniform one is mixed: a cut character would cost infinitely many. The
    sampler that wastes least mass and cuts no human character is lowest.

    2^mean(-log2 (r(x) + e) / (1 + e V)), Martins et al. 2020, 2004.02644.
    """
    epsilon, V = found.at.epsilon, found.probabilities.size(-1)
    return -torch.log2((found.target + epsilon) / (1 + epsilon * V))


@_exact(
    "recall", "share", "", "recall of human text", ("cuts human text", "keeps all"), headline=True
)
def recall(found: Distributions) -> Tensor:
    """Share of the held-out characters that the sampler leaves a chance.

    mean [r(x) > 0]
    """
    return found.target > 0


@_exact("kept_on_human", "characters", "kept\nhuman", "kept along human text", ("few", "all"))
def kept_on_human(found: Distributions) -> Tensor:
    """Characters with a probability above zero, averaged over held-out positions.

    mean #{i: r_i > 0}
    """
    return found.support_size


@_exact("cut_mass", "share", "cut\nmass", "mass cut off", ("none", "all"))
def cut_mass(found: Distributions) -> Tensor:
    """Share of the model's probability that is on characters that are cut.

    mean sum_{i: r_i = 0} p_i
    """
    return torch.where(found.support, 0.0, found.at.model).sum(-1)


_FROM_MODEL = ("the model", "far from it")


@_exact("total_variation", "share", "total\nvar.", "total variation from the model", _FROM_MODEL)
def total_variation(found: Distributions) -> Tensor:
    """Largest difference in the probability of any set of characters, between the sampler and the
    untouched model, averaged over held-out positions.

    mean 1/2 sum_i |r_i - p_i|
    """
    return 0.5 * (found.probabilities - found.at.model).abs().sum(-1)


@_exact("divergence_from_model", "bits", "KL from\nmodel", "divergence from the model", _FROM_MODEL)
def divergence_from_model(found: Distributions) -> Tensor:
    """KL(sampler || model) in bits, averaged over held-out positions.

    mean sum_i r_i log2 r_i / p_i
    """
    cross = torch.where(found.support, found.probabilities * found.at.log_model, 0.0).sum(-1)
    return (-found.entropy - cross).clamp_min(0.0) * _NATS


@_exact(
    "entropy_on_human", "bits", "entropy\nhuman", "entropy along human text", ("decided", "open")
)
def entropy_on_human(found: Distributions) -> Tensor:
    """Bits of choice that the sampler leaves, averaged over held-out positions.

    mean -sum_i r_i log2 r_i
    """
    return found.entropy * _NATS


@metric(
    "kept_in_decile_{n}",
    "characters",
    "kept\ntenth {n}",
    "kept, tenth {n}",
    ("few", "all"),
    n=range(1, DECILES + 1),
    kind="positions",
    group=SURENESS,
)
def kept_in_decile(found: Distributions, n: int) -> tuple[Tensor, Tensor]:
    """Characters kept in tenth {n} of the held-out positions, in the order of the model's entropy:
    it is surest in the first.

    mean #{i: r_i > 0} over these positions
    """
    assert found.at.deciles is not None
    inside = found.at.deciles == n - 1
    return found.support_size * inside, inside
