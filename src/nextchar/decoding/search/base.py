"""The base of searches: they write whole texts, where a sampler chooses one character.

Shapes: R texts, P prompts, T characters of a prompt, L characters of a text, G texts searched
together, V vocabulary.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.decoding.blocks import REFERENCE
from nextchar.decoding.engine import Row, generator
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler
from nextchar.samplers.decoder import Decoder
from nextchar.samplers.temperature import TemperatureSampler

MOST_ROWS = 10_000
"""Of hypotheses, candidates or characters ahead that one text may take."""


class Search(Decoder):
    """A way of writing a text that looks further than the next character.

    What comes `before` it in the ordered mapping is its `step_sampler`, the distribution of each
    step; without any it is the model's own. Raises ConfigError for a sampler it can't follow. It
    has no exact distribution of the next character, so entropy and support size are left out.
    """

    takes_any_sampler: ClassVar[bool] = False
    """Whether samplers with a memory, or without an exact distribution, may come before it."""

    decodes: ClassVar[type[LanguageModel]] = LanguageModel
    """The class of models that it works with."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        if sampler and not self.takes_any_sampler and (sampler.has_memory or not sampler.exact):
            raise ConfigError(
                f"{self.name}: {sampler.label} before it has a memory or no exact distribution; "
                "use samplers without a memory"
            )
        self.before = sampler
        self.step_sampler = sampler or TemperatureSampler(1.0)

    @property
    def label(self) -> str:
        return self.own_label if self.before is None else f"{self.before.label} {self.own_label}"

    @property
    def most_samples(self) -> int | None:
        """How many different samples a prompt can have; None: any number."""
        return None

    def require_texts(self, possible: int, asked: int, where: str = "") -> None:
        """Raise ConfigError unless so many different texts of a prompt are possible."""
        if self.most_samples is not None and asked > possible:
            raise ConfigError(
                f"decoding.samplers: {self.label}: {where}only {possible} different texts have a "
                f"probability above zero, and decoding.samples_per_prompt is at least {asked}; "
                "write fewer, or cut less before it"
            )

    def check(self, model: type[LanguageModel]) -> None:
        """Raise ConfigError for a kind of model that this search can't decode."""
        if not issubclass(model, self.decodes):
            raise ConfigError(
                f"decoding.samplers: {self.label}: needs a {self.decodes.__name__}, which a "
                f"{model.__name__} is not; use model=transformer"
            )

    def prepared(self, train: Tensor, vocabulary: int) -> Search:
        """The search after reading the training text, ids [N]; most need none."""
        return self

    @abstractmethod
    def write(
        self,
        model: LanguageModel,
        prompts: Tensor,
        rows: Sequence[Row],
        *,
        length: int,
        seed: int,
        on_progress: Callable[[int], None],
    ) -> Tensor:
        """The ids [R, L] of a text for each row, after its prompt of prompts [P, T]."""


class BlockSearch(Search):
    """A search over several hypotheses of a text at once, each a row of the model."""

    rows_a_text = 1
    """Rows of the model that one text takes."""

    @torch.no_grad()
    def write(
        self,
        model: LanguageModel,
        prompts: Tensor,
        rows: Sequence[Row],
        *,
        length: int,
        seed: int,
        on_progress: Callable[[int], None],
    ) -> Tensor:
        """Texts are searched G at a time, and the last block is filled up: the model always steps
        the same number of rows, so a text does not depend on the others."""
        self.check(type(model))
        model.eval()
        together = max(REFERENCE // self.rows_a_text, 1)
        written = []
        for start in range(0, len(rows), together):
            part = list(rows[start : start + together])
            filled = [*part, *[part[-1]] * (together - len(part))]
            read = prompts[[row.prompt for row in filled]]
            ids = self.search_block(model, read, filled, length, seed)
            written.append(ids[: len(part)].cpu())
            on_progress((start + len(part)) * length)
        return torch.cat(written)

    @abstractmethod
    def search_block(
        self, model: LanguageModel, prompts: Tensor, rows: Sequence[Row], length: int, seed: int
    ) -> Tensor:
        """Ids [G, L] after prompts [G, T]."""


def stream_of(rows: Sequence[Row], seed: int, stream: int) -> Callable[[int], Tensor]:
    """A function from n to the next n uniform float64 numbers of each row, [R, n].

    Stream 0 is the noise of the samplers.
    """
    sources = [generator(seed, row.prompt, row.sample, stream) for row in rows]
    return lambda n: torch.from_numpy(np.stack([source.random(n) for source in sources]))
