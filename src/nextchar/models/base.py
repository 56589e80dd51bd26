"""What every language model can do: character ids in, logits out.

A model is one file: a subclass of LanguageModel with its own config dataclass (those of the models
that come with nextchar stand in config/models.py, because --help shows them without torch).

Shapes: B rows, T time, C width, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from nextchar.config import ConfigError, ModelConfig
from nextchar.models.cache import Cache

MODELS: dict[str, type[LanguageModel]] = {}
"""The class of each kind of model; a class that is defined with a `config_class` is in it."""


@dataclass(frozen=True)
class ParameterGroups:
    """Parameters by their role in training: each has a learning rate of its own."""

    embedding: Sequence[nn.Parameter]
    head: Sequence[nn.Parameter]
    matrices: Sequence[nn.Parameter]
    vectors: Sequence[nn.Parameter]

    @classmethod
    def of(
        cls,
        model: nn.Module,
        *,
        embedding: nn.Module | None = None,
        head: nn.Module | None = None,
    ) -> ParameterGroups:
        """The parameters of two parts of a model, and the others by their number of dimensions."""
        first, last = ([*part.parameters()] if part else [] for part in (embedding, head))
        taken = {id(parameter) for parameter in (*first, *last)}
        rest = [parameter for parameter in model.parameters() if id(parameter) not in taken]
        matrices = [parameter for parameter in rest if parameter.ndim == 2]
        vectors = [parameter for parameter in rest if parameter.ndim != 2]
        return cls(first, last, matrices, vectors)


class LanguageModel(nn.Module, ABC):
    """What training, generation and metrics ask of a model: ids [B, T] to logits [B, T, V].

    Position t sees the characters 0 to t, and of these at most the last `context`. A subclass is
    made of (config, vocabulary_size), the config an instance of its `config_class`.
    Raises ConfigError for a class that does not say what it needs to.
    """

    config_class: ClassVar[type[ModelConfig]]
    """Its keys; their `kind` is the model's."""

    past_context: ClassVar[str]
    """What happens when a text grows longer than the context, for the manifest."""

    context: int

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "config_class" in cls.__dict__:
            if not hasattr(cls, "past_context"):
                raise ConfigError(
                    f"class {cls.__name__}: has no past_context; say in it what happens when a "
                    "text grows longer than the context"
                )
            MODELS[cls.config_class.kind] = cls

    @abstractmethod
    def prefill(self, ids: Tensor) -> tuple[Tensor, Cache]:
        """Read prompts [B, T]; the logits [B, V] of the character that follows, and the cache."""

    @abstractmethod
    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        """Append one character per row, ids [B], to the cache; the logits [B, V] of the next."""

    def parameter_groups(self) -> ParameterGroups:
        """Every parameter in one group; a model with an embedding or a head says which they are."""
        return ParameterGroups.of(self)


class HiddenStateModel(LanguageModel):
    """A model that shows its hidden states: the last of them, before a linear head.

    Contrastive search and the divergence frontier need one.
    """

    head: nn.Linear

    @classmethod
    def require(cls, model: type[LanguageModel], setting: str) -> None:
        """Raise ConfigError for a setting, as key=value, where `model` is not of this kind."""
        if not issubclass(model, cls):
            raise ConfigError(
                f"{setting}: {model.__name__} does not show its hidden states; use "
                "model=transformer, or leave the setting at its default"
            )

    @abstractmethod
    def hidden(self, ids: Tensor) -> Tensor:
        """Ids [B, T] to the hidden states [B, T, C]."""

    @abstractmethod
    def unembed(self, hidden: Tensor) -> Tensor:
        """Hidden states [..., C] to float32 logits [..., V]."""

    @abstractmethod
    def prefill_hidden(self, ids: Tensor) -> tuple[Tensor, Cache]:
        """Read prompts [B, T]; their hidden states [B, T, C], and the cache."""

    @abstractmethod
    def step_hidden(self, ids: Tensor, cache: Cache) -> Tensor:
        """Append one character per row, ids [B], to the cache; its hidden state [B, C]."""

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [B, T] to logits [B, T, V]."""
        return self.unembed(self.hidden(ids))

    def prefill(self, ids: Tensor) -> tuple[Tensor, Cache]:
        hidden, cache = self.prefill_hidden(ids)
        return self.unembed(hidden[:, -1]), cache

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        return self.unembed(self.step_hidden(ids, cache))
