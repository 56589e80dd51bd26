"""Speculative decoding: a small model proposes, the large one accepts or rejects.

    x ~ q;  accept with probability min(1, p(x) / q(x));  else draw from max(0, p - q) / Z

Leviathan, Kalman & Matias 2023, 2211.17192; Chen et al. 2023, 2302.01318. Each pass of the model
reads `ahead` proposals at once and keeps those before the first rejection, and one more character.
The samplers before it shape p and q alike. The text differs from the one that these samplers write
with the same noise; its distribution is exactly the same.

Shapes: G texts, K characters ahead, T characters of a prompt, V vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nextchar.decoding.engine import Row
from nextchar.decoding.search.base import MOST_ROWS, BlockSearch, stream_of
from nextchar.decoding.search.ngram_draft import NgramDraft
from nextchar.decoding.search.ragged import RaggedCache
from nextchar.models.base import LanguageModel
from nextchar.models.cache import KeyValueCache
from nextchar.models.transformer import Transformer
from nextchar.samplers import Sampler, draw
from nextchar.samplers.decoder import whole

MOST_NGRAM = 32
"""Characters: past any use, since each order takes the memory of a training text."""


class SpeculativeDecoding(BlockSearch):
    """Propose `ahead` characters by n-grams of the training text, and check them all at once."""

    name = "speculative"
    decodes = Transformer

    def __init__(self, ahead: int, ngram: int = 5, sampler: Sampler | None = None) -> None:
        super().__init__(sampler)
        self.ahead = whole(self.name, ahead, most=MOST_ROWS)
        self.ngram = whole("speculative ngram", ngram, most=MOST_NGRAM)
        self.draft: NgramDraft | None = None

    def prepared(self, train: Tensor, vocabulary: int) -> BlockSearch:
        ready = SpeculativeDecoding(self.ahead, self.ngram, self.before)
        ready.draft = NgramDraft(train.cpu(), vocabulary, self.ngram)
        return ready

    def search_block(
        self, model: LanguageModel, prompts: Tensor, rows: Sequence[Row], length: int, seed: int
    ) -> Tensor:
        assert isinstance(model, Transformer)
        assert self.draft is not None, "prepared() was not called"
        K, noise = self.ahead, stream_of(rows, seed, 2)
        logits, prefilled = model.prefill(prompts)
        first = noise(1).to(prompts.device)[:, 0]
        last = draw(self.step_sampler.distribution(logits), first)
        texts = [[character] for character in last.tolist()]
        assert isinstance(prefilled, KeyValueCache)
        cache = RaggedCache(model, prefilled, K + 1)
        # The last characters of every row, as many as the draft looks at.
        recent = torch.cat((prompts, last[:, None]), 1)[:, -self.ngram :]
        while min(map(len, texts)) < length:
            uniform = noise(2 * K + 1).to(prompts.device)
            proposed, q = self._propose(recent, uniform[:, :K])
            logits = cache.read(torch.cat((recent[:, -1:], proposed), 1))
            p = self.step_sampler.distribution(logits)
            accepted, following = verify(p, q, proposed, uniform[:, K:])
            cache.keep(accepted + 1)
            grown = []
            columns = (each.tolist() for each in (proposed, accepted, following, recent))
            for text, ids, count, one, before in zip(texts, *columns, strict=True):
                new = [*ids[:count], one]
                text.extend(new)
                grown.append([*before, *new][-len(before) :])
            recent = torch.tensor(grown, device=prompts.device)
        return torch.tensor([text[:length] for text in texts])

    def _propose(self, recent: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Ids [G, K] of the draft, and the distributions q [G, K, V] that they come from."""
        assert self.draft is not None
        proposed, q = recent[:, :0], []
        for each in uniform.unbind(1):
            logits = self.draft.probabilities(torch.cat((recent, proposed), 1)).log()
            q.append(self.step_sampler.distribution(logits))
            proposed = torch.cat((proposed, draw(q[-1], each)[:, None]), 1)
        return proposed, torch.stack(q, 1)


def verify(p: Tensor, q: Tensor, proposed: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """How many of proposed [G, K] are accepted, [G], and the character that follows them, [G].

    p [G, K + 1, V], q [G, K, V], uniform [G, K + 1]: one for each proposal, one for the draw.
    """
    G, K, _ = q.shape
    chosen = proposed[..., None]
    accept = uniform[:, :K] * q.gather(-1, chosen)[..., 0] < p[:, :K].gather(-1, chosen)[..., 0]
    accepted = accept.long().cumprod(1).sum(1)
    every = torch.arange(G, device=p.device)
    at = p[every, accepted]
    residual = (at - q[every, accepted.clamp(max=K - 1)]).clamp(min=0)
    # After K acceptances nothing was rejected, and one more is drawn from p itself. A residual
    # without mass means p = q, where a rejection is a rounding error: p again.
    use_p = (accepted == K) | (residual.sum(-1) == 0)
    return accepted, draw(torch.where(use_p[:, None], at, residual), uniform[:, K])
