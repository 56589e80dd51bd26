"""XTC, "exclude top choices": with a probability, cut all probable characters but the last of them.

    with probability q:  P'(x = i) = P(x = i) / Z  for i not in E;  0 elsewhere
    E = {i : P(x = i) >= t}, without its least probable member
    otherwise:           P' = P

Weidmann 2024, https://github.com/oobabooga/text-generation-webui/pull/6335. No coin is tossed here:
the distribution of the chosen character is the mixture of both branches, each passed through the
samplers that follow, and so it is still exact. Of equal logits the higher id stays.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.config.validation import require
from nextchar.samplers.base import Inner, Sampler, State
from nextchar.samplers.operations import checked, descending, keep


class XTCSampler(Sampler):
    """Cut the top choices with a probability.

    A threshold above 1/2 could never have two characters above it, so it is an error. Everything
    after it must have a distribution, and no Mirostat may follow: it would have to know the coin.
    """

    name = "xtc"
    grid = (0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05, 0.02)

    def __init__(self, threshold: float, probability: float = 0.5, sampler: Inner = None) -> None:
        super().__init__(sampler)
        bound = "the threshold must lie in (0, 0.5]; above, nothing is excluded"
        require(0 < threshold <= 0.5, self.name, threshold, bound)
        require(0 <= probability <= 1, "xtc probability", probability, "must lie in [0, 1]")
        self.require_exact()
        for each in self.chain[1:]:
            if each.state_uses_logits:
                raise ConfigError(f"xtc: {each.name} would have to know its coin; put xtc after it")
        self.threshold, self.probability = threshold, probability

    def warp(self, logits: Tensor) -> Tensor:
        """The exclusion, as if the coin had decided for it."""
        ordered, order = descending(logits)
        above = torch.softmax(ordered, dim=-1) >= self.threshold
        next_above = F.pad(above[..., 1:], (0, 1))
        return keep(logits, order, ~(above & next_above))

    def distribution(self, logits: Tensor, state: State | None = None) -> Tensor:
        logits = checked(logits)
        rest = state[1:] if state else None
        without = self.inner_distribution(self.warp(logits), rest)
        with_all = self.inner_distribution(logits, rest)
        return self.probability * without + (1 - self.probability) * with_all
