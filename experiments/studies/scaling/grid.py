"""The trainings of the study: sizes x steps, and at the middle sizes shares of the text.

Each number of steps is a training of its own, whose learning rate falls to zero at its end: a loss
in the middle of a longer training would be another quantity (Hoffmann et al. 2022, 2203.15556).
Models lie among all others, under their own identity: what is trained already is read, what was
stopped goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nextchar import config
from nextchar.config import Config, ConfigError, TransformerConfig
from nextchar.data import corpus
from nextchar.data.corpus import Corpus
from nextchar.models.base import LanguageModel
from nextchar.models.registry import build_model
from nextchar.runtime import device, progress
from nextchar.training import store
from studies.scaling.law import Shape
from studies.scaling.rows import Training


@dataclass(frozen=True)
class Grid:
    """Every width with every number of steps on the whole text; every width but the narrowest and
    the widest with the middle number of steps on every share."""

    widths: Sequence[int]
    steps: Sequence[int]
    shares: Sequence[float]

    def __post_init__(self) -> None:
        for name, values in (("widths", self.widths), ("steps", self.steps)):
            if len(set(values)) < 3 or list(values) != sorted(set(values)) or values[0] < 1:
                told = " ".join(map(str, values))
                raise ConfigError(
                    f"{name}={told}: must be at least 3 different numbers, each larger than the "
                    "one before: a power law has as many unknowns"
                )
        for share in self.shares:
            if not 0 < share < 1:
                raise ConfigError(
                    f"shares={share}: must lie between 0 and 1, both excluded; the whole text is "
                    "there in any case"
                )

    def configs(self, base: Config) -> Iterator[Config]:
        """The config of each training, the cheapest first."""
        middle = self.steps[len(self.steps) // 2]
        for width in self.widths:
            for steps in self.steps:
                yield resized(base, width, steps, 1.0)
                if steps == middle and width not in (self.widths[0], self.widths[-1]):
                    for share in self.shares:
                        yield resized(base, width, steps, share)


def resized(base: Config, width: int, steps: int, share: float) -> Config:
    """`base` with another width, number of steps and share of the training split."""
    return replace(
        base,
        model=replace(shape_config(base), width=width),
        training=replace(base.training, steps=steps),
        corpus=replace(base.corpus, train_share=share),
    )


def run(base: Config, grid: Grid) -> list[Training]:
    """Every training of the grid, done now or read back; a line for each."""
    device.configure_torch(base.threads)
    texts: dict[float, Corpus] = {}
    rows: list[Training] = []
    configs = list(grid.configs(base))
    for index, asked in enumerate(configs, start=1):
        share = asked.corpus.train_share
        if share not in texts:
            texts[share] = corpus.load(asked.corpus)
            texts[share].require(asked.model.context + 1, 2)
        row = train(asked, texts[share])
        rows.append(row)
        progress.say(
            f"{index}/{len(configs)}  width {row.width}, {row.blocks:,} parameters in blocks, "
            f"{row.steps:,} steps, share {share:g}: validation loss {row.last_loss:.4f}"
        )
    return rows


def train(asked: Config, text: Corpus) -> Training:
    """One training: found finished, gone on with, or begun."""
    vocabulary = text.vocabulary
    model = build_model(asked.model, len(vocabulary), asked.seed)
    model.to(device.choose(asked.device))
    found = store.load_or_train(
        model,
        text,
        asked.training,
        seed=asked.seed,
        folder=asked.outputs / "models" / config.model_id(asked, text.identity),
        checkpoint=asked.decoding.checkpoint,
        force=asked.force,
    )
    blocks, shape = parameters_of_blocks(model), shape_config(asked)
    characters = asked.training.steps * characters_a_step(asked)
    cost = shape_of(shape, len(vocabulary)).flop_a_character(blocks)
    return Training(
        model_id=config.model_id(asked, text.identity),
        layers=shape.layers,
        width=shape.width,
        share=asked.corpus.train_share,
        steps=asked.training.steps,
        seed=asked.seed,
        parameters=found.facts["parameters"],
        blocks=blocks,
        characters=characters,
        distinct=len(text.train),
        flop=characters * float(cost),
        last_loss=found.facts["validation_loss"],
        best_loss=found.facts["best_validation_loss"],
        best_step=found.facts["best_step"],
        seconds=found.timing["seconds"],
    )


def shape_config(asked: Config) -> TransformerConfig:
    """The config of the transformer, whose FLOP are counted. ConfigError for another model."""
    if not isinstance(asked.model, TransformerConfig):
        raise ConfigError(
            f"model.kind={asked.model.kind}: must be transformer, whose FLOP are counted"
        )
    return asked.model


def characters_a_step(asked: Config) -> int:
    """Characters that one step learns from."""
    return asked.training.batch_size * asked.model.context


def parameters_of_blocks(model: LanguageModel) -> int:
    """Parameters without embedding and head: what the law calls N."""
    return sum(each.numel() for name, each in model.named_parameters() if name.startswith("blocks"))


def shape_of(asked: TransformerConfig, vocabulary_size: int) -> Shape:
    """What the models of the study have in common."""
    projections = (asked.heads + 2 * asked.key_value_heads) / asked.heads + 1
    weights = projections + 2 * asked.feedforward
    return Shape(asked.layers, asked.context, vocabulary_size, weights)
