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
from nextchar.decoding.search.base import MOST_ROWS, BlockSearch, repeat_each, streams
from nextchar.decoding.search.beam import extend, first_only, rows_of
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler
from nextchar.samplers.decoder import whole
from nextchar.samplers.operations import descending


class StochasticBeamSearch(BlockSearch):
    """Draw `width` texts without replacement. Raises ConfigError for a width below 1."""

    name = "stochastic_beam"

    def __init__(self, width: int, sampler: Sampler | None = None) -> None:
        super().__init__(sampler)
        self.width = self.rows_a_text = whole(self.name, width, most=MOST_ROWS)

    @property
    def most_samples(self) -> int:
        return self.width

    def search_block(
        self, model: LanguageModel, prompts: Tensor, rows: Sequence[Row], length: int, seed: int
    ) -> Tensor:
        G, B = len(prompts), self.width
        sources = streams([replace(row, sample=0) for row in rows], seed, 1)
        logits, cache = model.prefill(repeat_each(prompts, B))
        V = logits.size(-1)
        ids = prompts.new_empty(G, B, 0)
        log_p = first_only(G, B, prompts.device)
        perturbed = log_p.clone()
        for t in range(length):
            children = log_p[..., None] + self.step_sampler.distribution(logits).log().view(G, B, V)
            uniform = torch.stack([source(B * V) for source in sources]).view(G, B, V)
            keys = conditioned(children, gumbel(uniform.to(children.device)), perturbed)
            ordered, order = descending(keys.flatten(1))
            perturbed, best = ordered[:, :B], order[:, :B]
            log_p = children.flatten(1).gather(1, best)
            ids = extend(ids, best // V, best % V)
            if t + 1 < length:
                cache = cache.reorder(rows_of(best // V))
                logits = model.step((best % V).flatten(), cache)
        samples = torch.tensor([row.sample for row in rows], device=ids.device)
        return ids[torch.arange(G, device=ids.device), samples]


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
