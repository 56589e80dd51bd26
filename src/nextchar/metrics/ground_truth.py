"""Ground truth: how a sampler's distribution compares with the one that really wrote the text.

The true distribution q of the next character is known in a text drawn from an automaton. So it is
known what a sampler r gives to characters that can't come, and what it takes from those that can.
Nucleus sampling rests on the claim that the tail of a model is unreliable (Holtzman et al. 2020):
here the tail can be compared with the truth. Shapes: N positions, n of a chunk, V characters,
R texts, L characters of a text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from nextchar.data.grammar.automaton import Automaton
from nextchar.metrics.catalog import TRUTH, metric
from nextchar.metrics.estimators import Floats
from nextchar.metrics.positions import Distributions, Positions

LEAD = 2000
"""Characters that the automaton reads before a stretch, to find out in which state it is."""


@dataclass(frozen=True, eq=False)
class Truth:
    """The automaton behind a corpus, and the held-out text that is read with it."""

    automaton: Automaton
    validation_text: str

    def chunks(self, at: Positions) -> Iterator[Positions]:
        """Positions in chunks, with the true distributions [n, V] there."""
        for chunk in at.chunks():
            starts = chunk.starts.numpy()
            first = max(int(starts[0]) - LEAD, 0)
            text = self.validation_text[first : int(starts[-1])]
            rows = self.automaton.next_distributions(text)[starts - first]
            yield replace(chunk, true=torch.from_numpy(rows))

    def along(self, prompts: Sequence[str], texts: Sequence[str]) -> Floats:
        """[R, L, V] the true distributions before each character of texts after their prompts; all
        zero once a text has become impossible."""
        whole = [prompt + text for prompt, text in zip(prompts, texts, strict=True)]
        rows = self.automaton.batch_next_distributions(whole)
        return np.stack([row[len(p) : -1] for row, p in zip(rows, prompts, strict=True)])


Measure = Callable[[Distributions], Tensor]


def _truth(
    name: str, unit: str, short: str, long: str, ends: tuple[str, str]
) -> Callable[[Measure], Measure]:
    """A metric on held-out text, and the same along the sampler's own text: `NAME_written`."""

    def define(function: Measure) -> Measure:
        metric(name, unit, short, long, ends, kind="truth", group=TRUTH)(function)
        metric(
            f"{name}_written",
            unit,
            f"{short}, own",
            f"{long}, own text",
            ends,
            kind="written",
            group=TRUTH,
            description="The same along the sampler's own text, as long as that is possible.",
        )(function)
        return function

    return define


@_truth("impossible_mass", "share", "impos-\nsible", "impossible mass", ("none", "all"))
def impossible_mass(found: Distributions) -> Tensor:
    """Probability that the sampler gives to characters that can't come next, averaged over held-out
    positions.

    sum_{i: q_i = 0} r_i
    """
    return torch.where(_true(found) == 0, found.probabilities, 0.0).sum(-1)


@_truth("lost_mass", "share", "lost", "lost mass", ("none", "all"))
def lost_mass(found: Distributions) -> Tensor:
    """True probability of the characters that are cut, averaged over held-out positions.

    sum_{i: r_i = 0} q_i
    """
    return torch.where(found.support, 0.0, _true(found)).sum(-1)


_FROM_TRUTH = ("the truth", "far from it")


@_truth("truth_divergence", "bits", "KL to\ntruth", "divergence from the truth", _FROM_TRUTH)
def truth_divergence(found: Distributions) -> Tensor:
    """KL(truth || sampler) in bits, averaged over held-out positions, with the trace of the uniform
    distribution that ε-perplexity has too.

    KL(q || r'), r' = (r + e) / (1 + e V)
    """
    true, epsilon = _true(found), found.at.epsilon
    smooth = (found.probabilities + epsilon) / (1 + epsilon * true.size(-1))
    return (torch.xlogy(true, true) - true * smooth.log()).sum(-1) / math.log(2)


@_truth("truth_distance", "share", "total\nvar.", "total variation from the truth", _FROM_TRUTH)
def truth_distance(found: Distributions) -> Tensor:
    """Half the summed absolute difference, averaged over held-out positions.

    1/2 sum_i |q_i - r_i|
    """
    return 0.5 * (_true(found) - found.probabilities).abs().sum(-1)


def _true(found: Distributions) -> Tensor:
    assert found.at.true is not None
    return found.at.true
