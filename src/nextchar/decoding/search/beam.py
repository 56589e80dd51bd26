"""Beam search: the text of highest probability among those that a beam of hypotheses reaches.

    keep the B best of all one-character continuations, by  sum_t log P(x_t | x_<t) / L^alpha

Lowerre 1976; the length normalisation of Wu et al. 2016, 1609.08144. There is no end-of-text
character, so all hypotheses have the same length L at every step, L^alpha divides all scores alike,
and alpha can't change their order: the score is the sum of log probabilities. Of equal scores the
better parent comes first, then the lower id.

Shapes: G texts, B hypotheses of each, t characters so far, V vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nextchar.decoding.engine import Row
from nextchar.decoding.search.base import MOST_ROWS, BlockSearch, repeat_each
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler
from nextchar.samplers.decoder import whole
from nextchar.samplers.operations import descending


class BeamSearch(BlockSearch):
    """The best of `width` hypotheses. Raises ConfigError for a width below 1 or not whole."""

    name = "beam"

    def __init__(self, width: int, sampler: Sampler | None = None) -> None:
        super().__init__(sampler)
        self.width = self.rows_a_text = whole(self.name, width, most=MOST_ROWS)

    def search_block(
        self, model: LanguageModel, prompts: Tensor, rows: Sequence[Row], length: int, seed: int
    ) -> Tensor:
        G, B = len(prompts), self.width
        logits, cache = model.prefill(repeat_each(prompts, B))
        ids = prompts.new_empty(G, B, 0)
        total = first_only(G, B, prompts.device)
        for t in range(length):
            log_p = self.step_sampler.distribution(logits).log().view(G, B, -1)
            ordered, order = descending((total[..., None] + log_p).flatten(1))
            total = ordered[:, :B]
            parents, following = order[:, :B] // log_p.size(-1), order[:, :B] % log_p.size(-1)
            ids = extend(ids, parents, following)
            if t + 1 < length:
                cache = cache.reorder(rows_of(parents))
                logits = model.step(following.flatten(), cache)
        return ids[:, 0]


def first_only(groups: int, width: int, device: torch.device) -> Tensor:
    """Scores [G, B] at the start: the hypotheses are still equal, so only the first one counts."""
    scores = torch.full((groups, width), -torch.inf, dtype=torch.float64, device=device)
    scores[:, 0] = 0
    return scores


def extend(ids: Tensor, parents: Tensor, following: Tensor) -> Tensor:
    """Texts [G, B, t] of the parents [G, B], each with its following character [G, B]."""
    kept = ids.gather(1, parents[..., None].expand(-1, -1, ids.size(-1)))
    return torch.cat((kept, following[..., None]), dim=-1)


def rows_of(parents: Tensor) -> Tensor:
    """The model's rows [G * B] of the parents [G, B]."""
    groups, width = parents.shape
    first = torch.arange(groups, device=parents.device)[:, None] * width
    return (first + parents).flatten()
