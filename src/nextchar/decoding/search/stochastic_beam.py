"""Stochastic beam search: texts drawn from the model without replacement.

    G_child = Gumbel(log P(child)), conditioned on max over the children = G_parent;
    keep the k largest

Kool, van Hoof & Welling 2019, 1903.06059 (Gumbel-top-k over whole texts). The k texts of a prompt
are different, and the first of them is a plain sample of the model. Sample s of a prompt is the
s-th text of one search, whose noise is keyed by (seed, prompt).

Shapes: G texts, B hypotheses of each, t characters so far, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from nextchar.decoding.engine import Row
from nextchar.decoding.search.base import stream_of
from nextchar.decoding.search.beam import BeamSearch
from nextchar.models.base import LanguageModel


class StochasticBeamSearch(BeamSearch):
    """Draw `width` texts without replacement: beam search by perturbed scores."""

    name = "stochastic_beam"

    @property
    def most_samples(self) -> int:
        return self.width

    def search_block(
        self, model: LanguageModel, prompts: Tensor, rows: Sequence[Row], length: int, seed: int
    ) -> Tensor:
        uniform = stream_of([replace(row, sample=0) for row in rows], seed, 1)

        def perturbed(log_p: Tensor, parents: Tensor) -> Tensor:
            noise = gumbel(uniform(log_p[0].numel()).view_as(log_p).to(log_p.device))
            return conditioned(log_p, noise, parents)

        ids, log_p = self.hypotheses(model, prompts, length, perturbed)
        samples = torch.tensor([row.sample for row in rows], device=ids.device)
        possible = log_p.isfinite().sum(1)
        for row, most in zip(rows, possible.tolist(), strict=True):
            self.require_texts(most, row.sample + 1, f"after prompt {row.prompt} ")
        return ids[torch.arange(len(ids), device=ids.device), samples]


def gumbel(uniform: Tensor) -> Tensor:
    """Standard Gumbel numbers from uniform ones in [0, 1)."""
    return -torch.log(-torch.log(uniform.clamp(min=torch.finfo(uniform.dtype).tiny)))


def conditioned(log_p: Tensor, noise: Tensor, parents: Tensor) -> Tensor:
    """Gumbel(log_p) [G, B, V] given that their maximum over V equals `parents` [G, B].

    Appendix B.3 of the paper, stable where exp would underflow. -inf for impossible children.
    """
    free = log_p + noise
    parents = parents[..., None]
    gap = free - free.amax(-1, keepdim=True)
    # log(1 - exp(gap)), by whichever of two forms is accurate.
    log_rest = torch.where(
        gap > -0.6931, torch.log(-torch.expm1(gap)), torch.log1p(-torch.exp(gap))
    )
    v = parents - free + log_rest
    keys = parents - v.clamp(min=0) - torch.log1p(torch.exp(-v.abs()))
    possible = (log_p > -torch.inf) & (parents > -torch.inf)
    return torch.where(possible, keys, -torch.inf)
