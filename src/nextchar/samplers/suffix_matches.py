"""How far the end of a text repeats an earlier place in it: the memory of what prevents repetition.

Shapes: R rows, T characters read, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nextchar.samplers.base import StatefulSampler


@dataclass(frozen=True)
class Matches:
    """`lengths` [R, T]: how many characters before place t equal those at the end of `ids` [R, T].

    In `abcab`, the place of `c` has the length 2: `ab` is before it and at the end.
    """

    ids: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, texts: Tensor) -> Matches:
        """The matches of texts [R, T]."""
        nothing = texts[:, :0]
        matches = cls(nothing, nothing)
        for ids in texts.unbind(1):
            matches = matches.then(ids)
        return matches

    def then(self, ids: Tensor) -> Matches:
        """The matches after one more character [R]: it lengthens a match or ends it."""
        grown = (self.lengths + 1) * (self.ids == ids[:, None])
        lengths = torch.cat((torch.zeros_like(ids)[:, None], grown), dim=1)
        return Matches(torch.cat((self.ids, ids[:, None]), dim=1), lengths)

    def longest(self, vocabulary: int) -> Tensor:
        """[R, V]: the longest match that each character would continue; -1 if it was not read."""
        none = torch.full((len(self.ids), vocabulary), -1, device=self.ids.device)
        return none.scatter_reduce(1, self.ids, self.lengths, "amax")


class MatchingSampler(StatefulSampler):
    """A sampler whose memory is the matches of the whole text."""

    def remember(self, prompts: Tensor) -> Matches:
        return Matches.of(prompts)

    def update(self, memory: Matches, logits: Tensor, ids: Tensor) -> Matches:
        return memory.then(ids)
