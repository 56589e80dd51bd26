"""Contrastive search: the probable character whose hidden state is least like those before it.

    x = argmax_{v in V_k} (1 - alpha) * P(v) - alpha * max_{j < t} cos(h_v, h_{x_j})

Su et al. 2022, 2202.06417: V_k are the k most probable characters, h the transformer's hidden
states before the head, prompt included. alpha = 0 is greedy. Of equal scores the more probable
character is chosen.

Shapes: G texts, k candidates of each, t characters read, C width, V vocabulary.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.config.validation import require
from nextchar.decoding.engine import Row
from nextchar.decoding.search.base import MOST_ROWS, BlockSearch
from nextchar.decoding.search.beam import rows_of
from nextchar.models.base import HiddenStateModel, LanguageModel
from nextchar.samplers import Sampler
from nextchar.samplers.decoder import whole
from nextchar.samplers.operations import descending


class ContrastiveSearch(BlockSearch):
    """Weigh probability against likeness, for models that show their hidden states."""

    name = "contrastive"
    grid = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
    decodes = HiddenStateModel

    def __init__(self, alpha: float, k: int = 5, sampler: Sampler | None = None) -> None:
        super().__init__(sampler)
        require(0 <= alpha <= 1, self.name, alpha, "must lie in [0, 1]; 0 is greedy")
        self.alpha = alpha
        self.k = self.rows_a_text = whole("contrastive k", k, most=MOST_ROWS)

    def search_block(
        self, model: LanguageModel, prompts: Tensor, rows: Sequence[Row], length: int, seed: int
    ) -> Tensor:
        assert isinstance(model, HiddenStateModel)
        G, k = len(prompts), self.k
        hidden, cache = model.prefill_hidden(prompts.repeat_interleave(k, dim=0))
        read = F.normalize(hidden[::k], dim=-1)
        logits = model.unembed(hidden[:, -1])[::k]
        ids = []
        for _ in range(length):
            ordered, order = descending(self.step_sampler.distribution(logits))
            # A small vocabulary has fewer than k: the last are repeated, which changes nothing.
            at = torch.arange(k, device=order.device).clamp(max=order.size(-1) - 1)
            probability, candidates = ordered[:, at], order[:, at]
            states = model.step_hidden(candidates.flatten(), cache)
            found = F.normalize(states, dim=-1).view(G, k, -1)
            likeness = (found @ read.mT).amax(-1).double()
            score = (1 - self.alpha) * probability - self.alpha * likeness
            best = score.masked_fill(probability == 0, -torch.inf).argmax(-1, keepdim=True)
            ids.append(candidates.gather(1, best).squeeze(1))
            chosen = rows_of(best.expand(-1, k))
            winner = found[torch.arange(G, device=best.device), best[:, 0], None]
            read = torch.cat((read, winner), 1)
            logits = model.unembed(states)[chosen[::k]]
            cache = cache.reorder(chosen)
        return torch.stack(ids, dim=1)
