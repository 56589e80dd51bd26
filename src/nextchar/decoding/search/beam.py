"""Beam search: the text of highest probability among those that a beam of hypotheses reaches.

    keep the B best of all one-character continuations, by  sum_t log P(x_t | x_<t) / L^alpha

Lowerre 1976; the length normalisation of Wu et al. 2016, 1609.08144. There is no end-of-text
character, so all hypotheses have the same length L at every step, L^alpha divides all scores alike,
and alpha can't change their order: the score is the sum of log probabilities. Of equal scores the
better parent comes first, then the lower id.

Shapes: G texts, B hypotheses of each, t characters so far, V vocabulary.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nextchar.decoding.engine import Row
from nextchar.decoding.search.base import MOST_ROWS, BlockSearch
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler
from nextchar.samplers.decoder import whole
from nextchar.samplers.operations import descending

Score = Callable[[Tensor, Tensor], Tensor]
"""From log probabilities [G, B, V] and the parents' scores [G, B] to the children's [G, B, V]."""


class BeamSearch(BlockSearch):
    """The best of `width` hypotheses."""

    name = "beam"

    def __init__(self, width: int, sampler: Sampler | None = None) -> None:
        super().__init__(sampler)
        self.width = self.rows_a_text = whole(self.name, width, most=MOST_ROWS)

    def search_block(
        self, model: LanguageModel, prompts: Tensor, rows: Sequence[Row], length: int, seed: int
    ) -> Tensor:
        ids, _ = self.hypotheses(model, prompts, length, lambda log_p, _: log_p)
        return ids[:, 0]

    def hypotheses(
        self, model: LanguageModel, prompts: Tensor, length: int, score: Score
    ) -> tuple[Tensor, Tensor]:
        """The B texts [G, B, L] of highest score after prompts [G, T], the best first, and their
        log probabilities [G, B]. Where fewer than B are possible, the last are at -inf."""
        G, B = len(prompts), self.width
        logits, cache = model.prefill(prompts.repeat_interleave(B, dim=0))
        V = logits.size(-1)
        ids = prompts.new_empty(G, B, 0)
        # The hypotheses are still equal, so only the first one counts.
        log_p = torch.full((G, B), -torch.inf, dtype=torch.float64, device=prompts.device)
        log_p[:, 0] = 0
        scores = log_p
        for t in range(length):
            children = log_p[..., None] + self.step_sampler.distribution(logits).log().view(G, B, V)
            ordered, order = descending(score(children, scores).flatten(1))
            scores, best = ordered[:, :B], order[:, :B]
            log_p = children.flatten(1).gather(1, best)
            parents, following = best // V, best % V
            kept = ids.gather(1, parents[..., None].expand(-1, -1, t))
            ids = torch.cat((kept, following[..., None]), dim=-1)
            if t + 1 < length:
                cache = cache.reorder(rows_of(parents))
                logits = model.step(following.flatten(), cache)
        return ids, log_p


def rows_of(parents: Tensor) -> Tensor:
    """The model's rows [G * B] of the parents [G, B]."""
    groups, width = parents.shape
    first = torch.arange(groups, device=parents.device)[:, None] * width
    return (first + parents).flatten()
