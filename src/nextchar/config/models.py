"""The keys of each kind of model. They stand apart from the models, because --help shows them and
does not import torch; a plugin has both in its file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nextchar.config.validation import ConfigError, Section, count, rate, setting, share

MODEL_KINDS: dict[str, type[ModelConfig]] = {}
"""The keys of a model by its kind, which is also the name of a choice: model=transformer."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Section):
    """What every model has. A subclass with a `kind` of its own is the config of that kind.

    Raises ConfigError for a class whose kind is taken.
    """

    section = "model"

    kind: str = setting("", "which model; choose with model=NAME")
    context: int = count(
        128, "characters that a position attends to, itself included", at_most=10**6
    )

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "kind" in cls.__dict__:
            declared = cls.__dict__["kind"]
            kind = getattr(declared, "default", declared)
            known = MODEL_KINDS.get(kind)
            if known and known.__module__ != cls.__module__:
                raise ConfigError(
                    f"class {cls.__name__}: kind={kind}: {known.__module__} has a model of this "
                    "kind; choose another name"
                )
            MODEL_KINDS[kind] = cls

    def __post_init__(self) -> None:
        self.require(
            MODEL_KINDS.get(self.kind) is type(self),
            "kind",
            f"does not fit the other keys; choose a model with model={', '.join(MODEL_KINDS)}",
        )
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class BlocksConfig(ModelConfig):
    """What all models made of blocks of attention have."""

    layers: int = count(4, "blocks of attention and feed-forward layer", at_most=1000)
    width: int = count(128, "of the residual stream", at_most=10**5)
    heads: int = count(2, "query heads, which share the width")
    feedforward: int = count(4, "width of the feed-forward layer, in widths", at_most=1000)
    dropout: float = share(0.0, "share of activations dropped in training")

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = self.width % self.heads == 0
        self.require(whole, "width", f"must be a multiple of model.heads={self.heads}")


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(BlocksConfig):
    """nextchar's own transformer; the default has about 0.8 million parameters."""

    kind: str = setting("transformer", "nextchar's own transformer; choose with model=NAME")
    key_value_heads: int = count(1, "shared by the query heads: a small cache decodes fast")
    lookback: int = count(
        4, "characters whose embeddings are summed at a position, its own too", at_most=1000
    )
    logit_cap: float | None = rate(15.0, "logits are bounded smoothly to (-cap, cap); null: no cap")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(
            self.width // self.heads % 2 == 0,
            "width",
            f"must give each of model.heads={self.heads} an even width, for rotary positions",
        )
        shared = self.heads % self.key_value_heads == 0
        self.require(shared, "key_value_heads", f"must divide model.heads={self.heads}")


@dataclass(frozen=True, kw_only=True)
class LabmlConfig(BlocksConfig):
    """The transformer of labml_nn.transformers, at the size of the default: a baseline."""

    kind: str = setting("labml_nn", "labml_nn's transformer; choose with model=NAME")
    dropout: float = share(0.1, "share of activations dropped in training; labml_nn's default")


@dataclass(frozen=True, kw_only=True)
class GPT2Config(BlocksConfig):
    """GPT-2's transformer without biases, as nanoGPT trains it: a baseline."""

    kind: str = setting("gpt2", "GPT-2's transformer; choose with model=NAME")
