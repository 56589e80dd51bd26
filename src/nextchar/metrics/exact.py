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


@metric(
    "epsilon_perplexity",
    kind="positions",
    exponential=True,
    unit="characters",
    short="ε-ppl",
    long="ε-perplexity of human text",
    description="2 to the bits per character that held-out text costs under the sampler's "
    "distribution, into which a trace of the uniform one is mixed: a cut character would cost "
    "infinitely many. The sampler that wastes least mass and cuts no human character is lowest.",
    ends=("expected", "unexpected"),
    bounds=(1, None),
    group=EXACT,
    headline=True,
)
def epsilon_perplexity(found: Distributions) -> Tensor:
    """2^mean(-log2 (r(x) + e) / (1 + e V)), Martins et al. 2020, 2004.02644."""
    epsilon, V = found.at.epsilon, found.probabilities.size(-1)
    return -torch.log2((found.target + epsilon) / (1 + epsilon * V))


@metric(
    "recall",
    kind="positions",
    unit="share",
    long="recall of human text",
    description="Share of the held-out characters that the sampler leaves a chance.",
    ends=("cuts human text", "keeps all"),
    group=EXACT,
    headline=True,
)
def recall(found: Distributions) -> Tensor:
    """mean [r(x) > 0]"""
    return found.target > 0


@metric(
    "kept_on_human",
    kind="positions",
    unit="characters",
    short="kept\nhuman",
    long="kept along human text",
    description="Characters with a probability above zero, averaged over held-out positions.",
    ends=("few", "all"),
    group=EXACT,
)
def kept_on_human(found: Distributions) -> Tensor:
    """mean #{i: r_i > 0}"""
    return found.support_size


@metric(
    "cut_mass",
    kind="positions",
    unit="share",
    short="cut\nmass",
    long="mass cut off",
    description="Share of the model's probability that is on characters that are cut.",
    ends=("none", "all"),
    group=EXACT,
)
def cut_mass(found: Distributions) -> Tensor:
    """mean sum_{i: r_i = 0} p_i"""
    return torch.where(found.support, 0.0, found.at.model).sum(-1)


@metric(
    "total_variation",
    kind="positions",
    unit="share",
    short="total\nvar.",
    long="total variation from the model",
    description="Largest difference in the probability of any set of characters, between the "
    "sampler and the untouched model, averaged over held-out positions.",
    ends=("the model", "far from it"),
    group=EXACT,
)
def total_variation(found: Distributions) -> Tensor:
    """mean 1/2 sum_i |r_i - p_i|"""
    return 0.5 * (found.probabilities - found.at.model).abs().sum(-1)


@metric(
    "divergence_from_model",
    kind="positions",
    unit="bits",
    short="KL from\nmodel",
    long="divergence from the model",
    description="KL(sampler || model) in bits, averaged over held-out positions.",
    ends=("the model", "far from it"),
    group=EXACT,
)
def divergence_from_model(found: Distributions) -> Tensor:
    """mean KL(r || p) = mean sum_i r_i log2 r_i / p_i"""
    cross = torch.where(found.support, found.probabilities * found.at.log_model, 0.0).sum(-1)
    return (-found.entropy - cross).clamp_min(0.0) * _NATS


@metric(
    "entropy_on_human",
    kind="positions",
    unit="bits",
    short="entropy\nhuman",
    long="entropy along human text",
    description="Bits of choice that the sampler leaves, averaged over held-out positions.",
    ends=("decided", "open"),
    group=EXACT,
)
def entropy_on_human(found: Distributions) -> Tensor:
    """mean -sum_i r_i log2 r_i"""
    return found.entropy * _NATS


def _kept_in_decile(found: Distributions, decile: int) -> tuple[Tensor, Tensor]:
    """mean #{i: r_i > 0} over one tenth of the positions."""
    assert found.at.deciles is not None
    inside = found.at.deciles == decile
    return found.support_size * inside, inside


for _n in range(1, DECILES + 1):
    _which = {1: "surest", DECILES: "least sure"}.get(_n, f"{_n}.")
    metric(
        f"kept_in_decile_{_n}",
        kind="positions",
        unit="characters",
        short=f"kept\ntenth {_n}",
        long=f"kept, tenth {_n}",
        description=f"Characters kept in the {_which} tenth of the held-out positions, by the "
        "entropy of the model.",
        ends=("few", "all"),
        group=SURENESS,
    )(partial(_kept_in_decile, decile=_n - 1))
