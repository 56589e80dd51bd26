"""XTC, "exclude top choices": now and then, drop all probable characters but the least of them.

    with probability q:  P'(x = i) = P(x = i) / Z  for i not in E;  0 elsewhere
    E = {i : P(x = i) >= t}, without its least probable member
    otherwise:           P' = P

Weidmann 2024, https://github.com/oobabooga/text-generation-webui/pull/6335. The coin is not tossed
here: the distribution of the chosen character is the mixture of both branches, each taken through
the samplers that follow, and so it is still exact. Of equal logits the higher id stays.
"""

from __future__ import annotations

import labml_nn.sampling
import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.samplers.base import Sampler, State, checked, descending, keep


class XTCSampler(Sampler):
    """Drop the top choices with a probability. Raises ValueError for impossible parameters.

    A threshold above 1/2 could never have two characters above it, so it is an error. Everything
    after it must have a distribution, and no Mirostat may follow: it would have to know the coin.
    """

    name = "xtc"

    def __init__(
        self,
        threshold: float,
        probability: float = 0.5,
        sampler: labml_nn.sampling.Sampler | None = None,
    ) -> None:
        super().__init__(sampler)
        if not 0 < threshold <= 0.5:
            raise ValueError(
                f"xtc={threshold}: the threshold must lie in (0, 0.5]; above, nothing is excluded"
            )
        if not 0 <= probability <= 1:
            raise ValueError(f"xtc probability={probability}: must lie in [0, 1]")
        if not self.exact:
            raise ValueError("xtc: the sampler after it has no exact distribution; put it last")
        if isinstance(sampler, Sampler) and sampler.chain_uses_logits:
            raise ValueError(f"xtc: {sampler.label} would have to know its coin; put xtc after it")
        self.threshold, self.probability = threshold, probability

    @property
    def value(self) -> float:
        return self.threshold

    def warp(self, logits: Tensor) -> Tensor:
        """The exclusion, as when the coin has fallen for it."""
        ordered, order = descending(logits)
        above = torch.softmax(ordered, dim=-1) >= self.threshold
        next_above = F.pad(above[..., 1:], (0, 1))
        return keep(logits, order, ~(above & next_above))

    def distribution(self, logits: Tensor, state: State | None = None) -> Tensor:
        logits = checked(logits)
        rest = None if state is None else state[1:]
        without = self._inner_distribution(self.warp(logits), rest)
        with_all = self._inner_distribution(logits, rest)
        return self.probability * without + (1 - self.probability) * with_all
