"""Samplers against repeats: what continues an earlier place of the text is banned or penalised.

    m_i = the length of the longest end of the text that was followed by i before; -1 if i is new

No n-gram twice (Paulus, Xiong & Socher 2018, 1705.04304; trigrams, in beam search):

    P'(x = i) = 0  for m_i >= n - 1;  P(x = i) / Z elsewhere

DRY, "don't repeat yourself", a penalty that grows with the length of the repetition (Weidmann 2024,
https://github.com/oobabooga/text-generation-webui/pull/5677):

    l'_i = l_i - multiplier * base^(m_i - allowed)  for m_i >= allowed;  l_i elsewhere

The whole text counts, the prompt too, and no character breaks a sequence (llama.cpp's DRY breaks
them at newlines, colons, quotes and asterisks).

Shapes: R rows, T characters read, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nextchar.config.validation import require
from nextchar.samplers.base import Inner, StatefulSampler
from nextchar.samplers.decoder import LARGEST, whole


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


class NoRepeatNgramSampler(MatchingSampler):
    """Mask what would repeat n characters.

    Where every possible character would be banned, none is: something must be chosen.
    """

    name = "no_repeat_ngram"

    def __init__(self, n: int, sampler: Inner = None) -> None:
        super().__init__(sampler)
        self.n = whole(self.name, n)

    def warp_after(self, logits: Tensor, memory: Matches) -> Tensor:
        repeated = memory.longest(logits.size(-1)) >= self.n - 1
        masked = logits.masked_fill(repeated, -torch.inf)
        stuck = masked.amax(-1, keepdim=True) == -torch.inf
        return torch.where(stuck, logits, masked)


class DrySampler(MatchingSampler):
    """Lower the logits of what would continue a repetition, by 1e9 at most.

    `allowed` is 2 tokens in the original, 8 characters here.
    """

    name = "dry"

    def __init__(
        self, multiplier: float, base: float = 1.75, allowed: int = 8, sampler: Inner = None
    ) -> None:
        super().__init__(sampler)
        bound = f"must be from 0 to {LARGEST:,}; 0 is no penalty"
        require(0 <= multiplier <= LARGEST, self.name, multiplier, bound)
        require(1 <= base <= LARGEST, "dry base", base, f"must be from 1 to {LARGEST:,}")
        self.multiplier, self.base, self.allowed = multiplier, base, whole("dry allowed", allowed)

    def warp_after(self, logits: Tensor, memory: Matches) -> Tensor:
        if self.multiplier == 0:  # 0 * inf would be NaN
            return logits
        beyond = (memory.longest(logits.size(-1)) - self.allowed).double()
        penalty = (self.multiplier * torch.pow(self.base, beyond)).clamp(max=LARGEST)
        return torch.where(beyond >= 0, logits - penalty, logits)
