"""The trainings of the study: sizes x steps, and shares of the text at the middle sizes.

Each number of steps is a training of its own, because its learning rate falls to zero at its end: a
loss in the middle of a longer training is another quantity (Hoffmann et al. 2022, 2203.15556).
Models are stored with all other models: a finished one is read, an unfinished one is resumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nextchar.config import Config, ConfigError, TransformerConfig, identity, to_yaml
from nextchar.data.corpus import Corpus
from nextchar.data.corpus import load as load_corpus
from nextchar.models.base import LanguageModel
from nextchar.models.registry import build_model
from nextchar.runtime import device, progress
from nextchar.training import store
from studies.scaling.law import Shape
from studies.scaling.rows import Training


@dataclass(frozen=True)
class Grid:
    """Every width with every number of steps on the whole text; and every width except the first
    and last with the middle number of steps on every share."""

    widths: Sequence[int]
    steps: Sequence[int]
    shares: Sequence[float]

    def __post_init__(self) -> None:
        for name, values in (("widths", self.widths), ("steps", self.steps)):
            if len(set(values)) < 3 or list(values) != sorted(set(values)) or values[0] < 1:
                given = " ".join(map(str, values))
                raise ConfigError(
                    f"{name}={given}: must be at least 3 numbers in increasing order, one per "
                    "unknown of a power law"
                )
        for share in self.shares:
            if not 0 < share < 1:
                raise ConfigError(
                    f"shares={share}: must lie between 0 and 1, both excluded; the whole text is "
                    "always included"
                )

    def configs(self, base: Config) -> Iterator[Config]:
        """The config of each training, smallest width first."""
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
        model=replace(transformer_config(base), width=width),
        training=replace(base.training, steps=steps),
        corpus=replace(base.corpus, train_share=share),
    )


def run(base: Config, grid: Grid) -> list[Training]:
    """Train every model of the grid, or read the finished ones; one line on screen for each."""
    device.configure_torch(base.threads)
    corpora: dict[float, Corpus] = {}
    rows: list[Training] = []
    configs = list(grid.configs(base))
    for index, config in enumerate(configs, start=1):
        share = config.corpus.train_share
        if share not in corpora:
            corpora[share] = load_corpus(config.corpus)
            corpora[share].require(config.model.context + 1, 2)
        row = train(config, corpora[share])
        rows.append(row)
        progress.say(
            f"{index}/{len(configs)}  width {row.width}, {row.blocks:,} parameters in blocks, "
            f"{row.steps:,} steps, share {share:g}: validation loss {row.last_loss:.4f}"
        )
    return rows


def train(config: Config, corpus: Corpus) -> Training:
    """One training: started, resumed, or read where it is finished."""
    shape = transformer_config(config)
    model = build_model(shape, len(corpus.vocabulary), config.seed)
    model.to(device.choose(config.device))
    model_id = identity.model_id(config, corpus.identity)
    result = store.load_or_train(
        model,
        corpus,
        config.training,
        seed=config.seed,
        folder=config.outputs / "models" / model_id,
        asked=to_yaml(config),
        checkpoint=config.decoding.checkpoint,
        force=config.force,
    )
    blocks = parameters_of_blocks(model)
    characters = config.training.steps * characters_per_step(config)
    cost = shape_of(shape, len(corpus.vocabulary)).flop_per_character(blocks)
    return Training(
        model_id=model_id,
        layers=shape.layers,
        width=shape.width,
        share=config.corpus.train_share,
        steps=config.training.steps,
        seed=config.seed,
        parameters=result.facts["parameters"],
        blocks=blocks,
        characters=characters,
        distinct=len(corpus.train),
        flop=characters * float(cost),
        last_loss=result.facts["validation_loss"],
        best_loss=result.facts["best_validation_loss"],
        best_step=result.facts["best_step"],
        seconds=result.timing["seconds"],
    )


def transformer_config(config: Config) -> TransformerConfig:
    """The config of the transformer; only its FLOP are counted. ConfigError for another model."""
    if not isinstance(config.model, TransformerConfig):
        raise ConfigError(
            f"model.kind={config.model.kind}: must be transformer; only its FLOP are counted"
        )
    return config.model


def characters_per_step(config: Config) -> int:
    """Characters in the batch of one step."""
    return config.training.batch_size * config.model.context


def parameters_of_blocks(model: LanguageModel) -> int:
    """Parameters without embedding and head: N in the law."""
    return sum(each.numel() for name, each in model.named_parameters() if name.startswith("blocks"))


def shape_of(model: TransformerConfig, vocabulary_size: int) -> Shape:
    """The dimensions that the models of the study have in common."""
    projections = (model.heads + 2 * model.key_value_heads) / model.heads + 1
    weights = projections + 2 * model.feedforward
    return Shape(model.layers, model.context, vocabulary_size, weights)
