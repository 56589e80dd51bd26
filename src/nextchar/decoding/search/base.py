"""What all searches share: they write whole texts, where a sampler chooses one character.

Shapes: R texts, P prompts, T characters of a prompt, L characters of a text, G texts searched
together, V vocabulary.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.decoding.engine import BLOCK, Row, generator
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler, TemperatureSampler
from nextchar.samplers.base import short


class Search(ABC):
    """A way of writing a text that looks further than the next character.

    What stands before it in the ordered mapping is its `sampler`: the distribution of each step,
    the model's own when nothing does. A search has no exact distribution of the next character,
    so entropy and kept characters are left out for it.
    """

    name: str
    exact = False

    decodes: type = LanguageModel
    """The class of models that it works with."""

    rows_a_text = 1
    """Rows of the model that one text takes."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        if sampler is not None and (not sampler.exact or sampler.has_memory):
            raise ValueError(
                f"{self.name}: {sampler.label} before it has a memory or no exact distribution; "
                "use samplers without a memory"
            )
        self.before = sampler
        self.sampler = sampler or TemperatureSampler(1.0)

    @property
    @abstractmethod
    def value(self) -> float:
        """The first parameter, as it stands in the label."""

    @property
    def label(self) -> str:
        """As in the config: what comes before, then the search and what is not at its default."""
        parameters = list(inspect.signature(type(self)).parameters.values())[1:]
        own = f"{self.name}={short(self.value)}"
        for each in parameters:
            if each.name != "sampler" and getattr(self, each.name) != each.default:
                own += f",{each.name}={short(getattr(self, each.name))}"
        return own if self.before is None else f"{self.before.label} {own}"

    def prepared(self, train: Tensor, vocabulary: int) -> Search:
        """The search after a look at the training text, ids [N]; most need none."""
        return self

    @property
    def most_samples(self) -> int | None:
        """How many different samples a prompt can have; None: any number."""
        return None

    def check(self, model: type[LanguageModel]) -> None:
        """Raise ConfigError for a kind of model that this search can't decode."""
        if not issubclass(model, self.decodes):
            raise ConfigError(
                f"decoding.samplers: {self.label}: needs a {self.decodes.__name__}, which a "
                f"{model.__name__} is not; use model=transformer"
            )

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
        """The ids [R, L] of a text for each row, after its prompt of prompts [P, T].

        Texts are searched G at a time, with the block filled up: the model always steps the same
        number of rows, so a text does not depend on the others.
        """
        self.check(type(model))
        model.eval()
        together = max(BLOCK // self.rows_a_text, 1)
        written = []
        for start in range(0, len(rows), together):
            part = list(rows[start : start + together])
            filled = [*part, *[part[-1]] * (together - len(part))]
            ids = self._write(model, prompts[[row.prompt for row in filled]], filled, length, seed)
            written.append(ids[: len(part)].cpu())
            on_progress((start + len(part)) * length)
        return torch.cat(written)

    @abstractmethod
    def _write(
        self, model: LanguageModel, prompts: Tensor, rows: Sequence[Row], length: int, seed: int
    ) -> Tensor:
        """Ids [G, L] after prompts [G, T]."""


def streams(rows: Sequence[Row], seed: int, stream: int) -> list[Callable[[int], Tensor]]:
    """For each row a source of uniform float64 numbers, its own and nobody else's.

    Streams from 1 on: 0 is the noise of the samplers.
    """
    assert stream > 0

    def source(row: Row) -> Callable[[int], Tensor]:
        numbers = generator(seed, row.prompt, row.sample, stream)
        return lambda count: torch.from_numpy(numbers.random(count))

    return [source(row) for row in rows]


def whole(name: str, number: float, least: int = 1) -> int:
    """Raises ValueError unless `number` is whole and at least `least`."""
    if number != int(number) or number < least:
        raise ValueError(f"{name}={number}: must be a whole number of at least {least}")
    return int(number)


def repeat_each(prompts: Tensor, times: int) -> Tensor:
    """Rows of [G, T] repeated in place: [G * times, T]."""
    return prompts.repeat_interleave(times, dim=0)
