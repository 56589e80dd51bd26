"""Positions of held-out text with the model's logits, and sums over them by block.

Shapes: N positions, n of a chunk, W of a window, V characters, B blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from nextchar.metrics.catalog import Definition
from nextchar.metrics.estimators import BLOCKS, Floats, RatioEstimator, clustered
from nextchar.metrics.measure import estimator, terms
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler

CHUNK = 4096
"""Positions whose distributions are held at a time: some 2 MB a matrix at V = 65."""
DECILES = 10
_BATCH = 32  # windows that the model reads at a time


@dataclass(frozen=True)
class Positions:
    """Positions of the validation split with the model's logits [N, V] (float32, on the CPU).

    `starts` [N] is the index of the position's character in the split, `targets` [N] the character
    that is there, and `blocks` [N] the stretch of the split that it lies in, from 0. `epsilon` is
    the trace of the uniform distribution in some metrics.

    The positions of held-out text lie in windows of W, one after the other: `window` is W, `before`
    [N] the character before each position, and nothing before the window has been read. Chunks
    alone have `deciles` [n], which tenth of all positions each is in by the model's entropy (0: the
    surest), and `true` [n, V], the true distribution of the character, where that is known.
    """

    logits: Tensor
    targets: Tensor
    starts: Tensor
    blocks: Tensor
    epsilon: float
    before: Tensor | None = None
    window: int = 1
    deciles: Tensor | None = None
    true: Tensor | None = None

    @property
    def count(self) -> int:
        """B."""
        return int(self.blocks[-1]) + 1

    @cached_property
    def log_model(self) -> Tensor:
        """The natural logarithm of the model's distribution, [N, V] in float64."""
        return torch.log_softmax(self.logits.double(), dim=-1)

    @cached_property
    def model(self) -> Tensor:
        """The model's distribution, [N, V] in float64."""
        return self.log_model.exp()

    @cached_property
    def _deciles(self) -> Tensor:
        entropy = torch.cat(
            [
                torch.distributions.Categorical(logits=logits.double()).entropy()
                for logits in self.logits.split(CHUNK)
            ]
        )
        ranks = torch.empty(len(entropy), dtype=torch.long)
        ranks[entropy.argsort(stable=True)] = torch.arange(len(entropy))
        return ranks * DECILES // len(entropy)

    def chunks(self) -> Iterator[Positions]:
        """The positions in whole windows, CHUNK of them or a little less at a time."""
        size = max(CHUNK // self.window, 1) * self.window
        names = ("logits", "targets", "starts", "blocks", "before")
        columns = {name: getattr(self, name) for name in names} | {"deciles": self._deciles}
        for parts in zip(*(column.split(size) for column in columns.values()), strict=True):
            yield replace(self, **dict(zip(columns, parts, strict=True)))


@dataclass(frozen=True)
class Distributions:
    """What a sampler makes of the model's logits: `probabilities` [n, V] in float64, at positions
    `at`."""

    probabilities: Tensor
    at: Positions

    @classmethod
    def of(cls, sampler: Sampler, at: Positions) -> Distributions:
        """Its exact ones; a memory is that of the text in the position's window."""
        if not sampler.has_memory:
            return cls(sampler.distribution(at.logits), at)
        assert at.before is not None
        logits, before, ids = (
            each.unflatten(0, (-1, at.window)) for each in (at.logits, at.before, at.targets)
        )
        return cls(sampler.along(logits, before[:, :1], ids).flatten(0, 1), at)

    @cached_property
    def target(self) -> Tensor:
        """[n] the probability of the character that is there."""
        return self.probabilities.gather(-1, self.at.targets[:, None]).squeeze(-1)

    @cached_property
    def support(self) -> Tensor:
        """[n, V] whether a character has a probability above zero."""
        return self.probabilities > 0

    @cached_property
    def support_size(self) -> Tensor:
        """[n] how many have."""
        return self.support.double().sum(-1)

    @cached_property
    def entropy(self) -> Tensor:
        """[n] in nats."""
        return torch.special.entr(self.probabilities).sum(-1)


@torch.no_grad()
def read(
    model: LanguageModel, validation: Tensor, *, most: int, blocks: int, epsilon: float
) -> Positions:
    """The model's logits over the validation split [N + 1], by the protocol of its loss.

    Windows of `model.context` characters, each character predicted from those before it in its
    window; a last window that is not full is left out, unless it is the only one. Of a split longer
    than `most` characters, evenly spaced windows. Neighbouring windows form at most `blocks`
    blocks.
    """
    model.eval()
    width = min(model.context, len(validation) - 1)
    windows = (len(validation) - 1) // width
    taken = min(windows, max(most // width, 1))
    starts = torch.arange(taken) * windows // taken * width
    places = starts[:, None] + torch.arange(width)
    device = next(model.parameters()).device
    parts = [model(validation[part].to(device)).float().cpu() for part in places.split(_BATCH)]
    block = torch.arange(taken) * min(blocks, taken) // taken
    return Positions(
        logits=torch.cat(parts).flatten(0, 1),
        targets=validation[places + 1].flatten(),
        before=validation[places].flatten(),
        starts=(places + 1).flatten(),
        blocks=block.repeat_interleave(width),
        window=width,
        epsilon=epsilon,
    )


def block_sums(
    chunks: Iterable[Positions], blocks: int, columns: Callable[[Positions], Iterable[ArrayLike]]
) -> Floats:
    """Columns [n] of each chunk, summed by block over all chunks: [columns, B]."""
    sums: Iterable[Floats] = (
        np.stack([clustered(column, chunk.blocks, blocks) for column in columns(chunk)])
        for chunk in chunks
    )
    return reduce(np.add, sums)


def position_sums(
    definitions: Sequence[Definition],
    samplers: Sequence[Sampler],
    chunks: Iterable[Positions],
    blocks: int,
) -> list[RatioEstimator]:
    """Metrics of every sampler at held-out positions, in one pass that holds a chunk at a time."""
    if not samplers:
        return []

    def columns(chunk: Positions) -> Iterator[Floats]:
        for sampler in samplers:
            found = Distributions.of(sampler, chunk)
            for each in definitions:
                sides = terms(each, found, len(chunk.targets))
                yield from sides or np.zeros((2, len(chunk.targets)))

    sums = block_sums(chunks, blocks, columns).reshape(-1, 2, blocks)
    measured = [(each, sampler.label) for sampler in samplers for each in definitions]
    return [
        estimator(each, label, sides, BLOCKS)
        for (each, label), sides in zip(measured, sums, strict=True)
    ]
