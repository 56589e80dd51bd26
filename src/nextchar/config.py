"""Configuration: frozen dataclasses that validate themselves, and the identities made from them.

The only room that knows OmegaConf. `register()` hands the classes to Hydra as schemas; `resolve()`
turns a composed Hydra config into a `Config`, whose parts are what the other rooms take.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf


class ConfigError(ValueError):
    """A value that the user gave can't be used; the message names key, value, bound and remedy."""


def _require(holds: bool, key: str, value: object, bound: str) -> None:
    if not holds:
        raise ConfigError(f"{key}={value}: {bound}")


def _at_least(least: float, key: str, value: float) -> None:
    _require(math.isfinite(value) and value >= least, key, value, f"must be at least {least}")


def _positive(key: str, value: float) -> None:
    _require(math.isfinite(value) and value > 0, key, value, "must be greater than 0")


def _one_of(choices: tuple[str, ...], key: str, value: str) -> None:
    _require(value in choices, key, value, f"must be one of {', '.join(choices)}")


def _not_scientific() -> Any:
    """A field that changes how a run is done and not what comes out: left out of the identities."""
    return field(metadata={"scientific": False})


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """The text, and how it is split. `kind` is `file` or `grammar`."""

    name: str
    kind: str
    path: str | None
    url: str | None
    sha256: str | None
    fallback: str | None
    train_fraction: float
    characters: int
    seed: int

    def __post_init__(self) -> None:
        _one_of(("file", "grammar"), "corpus.kind", self.kind)
        if self.kind == "file":
            _require(
                bool(self.path), "corpus.path", self.path, "name a text file, corpus.path=FILE"
            )
        _require(
            self.fallback in (None, "grammar"),
            "corpus.fallback",
            self.fallback,
            "must be grammar (use the embedded corpus when the file can't be had) or null",
        )
        _require(
            0 < self.train_fraction < 1,
            "corpus.train_fraction",
            self.train_fraction,
            "must lie between 0 and 1, both excluded",
        )
        _at_least(1, "corpus.characters", self.characters)
        _at_least(0, "corpus.seed", self.seed)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The language model. `kind` is `transformer` (ours), or a baseline: `labml_nn`, `gpt2`."""

    kind: str
    layers: int
    width: int
    heads: int
    key_value_heads: int
    context: int
    feedforward: int
    lookback: int
    dropout: float
    logit_cap: float | None

    def __post_init__(self) -> None:
        _one_of(("transformer", "labml_nn", "gpt2"), "model.kind", self.kind)
        counts = (
            "layers",
            "width",
            "heads",
            "key_value_heads",
            "context",
            "feedforward",
            "lookback",
        )
        for name in counts:
            _at_least(1, f"model.{name}", getattr(self, name))
        _require(
            self.width % self.heads == 0,
            "model.width",
            self.width,
            f"must be a multiple of model.heads={self.heads}",
        )
        _require(
            self.width // self.heads % 2 == 0,
            "model.width",
            self.width,
            f"must give each of model.heads={self.heads} an even width, for rotary positions",
        )
        _require(
            self.heads % self.key_value_heads == 0,
            "model.key_value_heads",
            self.key_value_heads,
            f"must divide model.heads={self.heads}",
        )
        _require(0 <= self.dropout < 1, "model.dropout", self.dropout, "must lie in [0, 1)")
        if self.logit_cap is not None:
            _positive("model.logit_cap", self.logit_cap)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How the weights are found. Counted in steps, so that a run does not depend on the clock."""

    steps: int
    batch_size: int
    optimizer: str
    learning_rate: float
    embedding_learning_rate: float
    head_learning_rate: float
    momentum: float
    betas: tuple[float, float]
    weight_decay: float
    embedding_weight_decay: float
    schedule: str
    warmup_steps: int
    decay_from: float
    floor: float
    gradient_clip: float | None
    precision: str
    evaluate_every: int
    log_every: int = _not_scientific()
    checkpoint_every: int = _not_scientific()

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "evaluate_every", "log_every", "checkpoint_every"):
            _at_least(1, f"training.{name}", getattr(self, name))
        _one_of(("muon", "adamw"), "training.optimizer", self.optimizer)
        for name in ("learning_rate", "embedding_learning_rate", "head_learning_rate"):
            _positive(f"training.{name}", getattr(self, name))
        _require(0 <= self.momentum < 1, "training.momentum", self.momentum, "must lie in [0, 1)")
        _require(
            len(self.betas) == 2 and all(0 <= beta < 1 for beta in self.betas),
            "training.betas",
            self.betas,
            "must be two numbers in [0, 1), as [0.9, 0.95]",
        )
        _at_least(0, "training.weight_decay", self.weight_decay)
        _at_least(0, "training.embedding_weight_decay", self.embedding_weight_decay)
        _one_of(("linear", "cosine", "noam"), "training.schedule", self.schedule)
        _at_least(0, "training.warmup_steps", self.warmup_steps)
        _require(
            0 <= self.decay_from < 1, "training.decay_from", self.decay_from, "must lie in [0, 1)"
        )
        _require(0 <= self.floor <= 1, "training.floor", self.floor, "must lie in [0, 1]")
        if self.gradient_clip is not None:
            _positive("training.gradient_clip", self.gradient_clip)
        _one_of(("bfloat16", "float32"), "training.precision", self.precision)


@dataclass(frozen=True, kw_only=True)
class DecodingConfig:
    """Which samplers are compared, and on how many texts of which length (in characters)."""

    samplers: list[Any]
    prompts: int
    prompt_length: int
    samples_per_prompt: int
    length: int
    resamples: int
    checkpoint: str

    def __post_init__(self) -> None:
        _require(bool(self.samplers), "decoding.samplers", self.samplers, "name at least one")
        for name in ("prompts", "prompt_length", "samples_per_prompt", "length", "resamples"):
            _at_least(1, f"decoding.{name}", getattr(self, name))
        _one_of(("last", "best"), "decoding.checkpoint", self.checkpoint)


@dataclass(frozen=True, kw_only=True)
class MetricsConfig:
    """What is measured. `level` is `core` or `full`, which needs a judge.

    `positions`, `blocks` and `epsilon` are about the exact metrics.
    """

    level: str
    positions: int
    blocks: int
    epsilon: float
    judge_order: int

    def __post_init__(self) -> None:
        _one_of(("core", "full"), "metrics.level", self.level)
        for name in ("positions", "blocks", "judge_order"):
            _at_least(1, f"metrics.{name}", getattr(self, name))
        _require(0 < self.epsilon < 1, "metrics.epsilon", self.epsilon, "must lie between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class PathsConfig:
    """Where texts are read and results are written."""

    data: str
    outputs: str


@dataclass(frozen=True, kw_only=True)
class Config:
    """One comparison, whole."""

    name: str
    seed: int
    device: str
    threads: int
    force: bool
    corpus: CorpusConfig
    model: ModelConfig
    training: TrainingConfig
    decoding: DecodingConfig
    metrics: MetricsConfig
    paths: PathsConfig

    def __post_init__(self) -> None:
        _require(
            bool(self.name.strip())
            and not set(self.name) & set('/\\:*?"<>|\0')
            and self.name[0] != ".",
            "name",
            self.name,
            'must be a plain file name, without / \\ : * ? " < > | and no dot in front',
        )
        _require(0 <= self.seed < 2**32, "seed", self.seed, "must lie between 0 and 2^32 - 1")
        _one_of(("auto", "cpu", "cuda", "mps"), "device", self.device)
        _require(1 <= self.threads <= 1024, "threads", self.threads, "must lie in 1 to 1024")

    @property
    def outputs(self) -> Path:
        return Path(self.paths.outputs)


PARTS: dict[str, type] = {
    "corpus": CorpusConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
    "decoding": DecodingConfig,
    "metrics": MetricsConfig,
    "paths": PathsConfig,
}


def register() -> None:
    """Make the dataclasses the schemas of `conf/`: unknown keys and wrong types are errors there.

    The classes hold no defaults: those stand in `conf/`, once, each with its comment.
    """
    schema = OmegaConf.structured(Config)
    # A frozen dataclass becomes a read-only config, which Hydra could not override.
    OmegaConf.set_readonly(schema, None)
    for name, part in PARTS.items():
        schema[name] = OmegaConf.structured(part)
        OmegaConf.set_readonly(schema[name], None)
    ConfigStore.instance().store(name="schema", node=schema)


def resolve(composed: DictConfig) -> Config:
    """A composed Hydra config as validated dataclasses.

    Raises ConfigError for a missing or impossible value, in one line.
    """
    missing = sorted(OmegaConf.missing_keys(composed))
    _require(not missing, missing[0] if missing else "", "???", "has no default: set it")
    for part, known in {"": Config, **PARTS}.items():
        given = composed[part] if part else composed
        names = {each.name for each in fields(known)}
        for name in (str(key) for key in given if key not in names):
            key = f"{part}.{name}" if part else name
            raise ConfigError(f"{key}={given[name]}: there is no such key; --help shows them all")
    config = OmegaConf.to_object(composed)
    assert isinstance(config, Config)
    return config


def compose(*overrides: str) -> Config:
    """The config that the command line would make of these overrides."""
    register()
    with hydra.initialize_config_module("nextchar.conf", version_base="1.3"):
        return resolve(hydra.compose("config", overrides=list(overrides)))


def to_yaml(config: Config) -> str:
    """The config as it stands in config.yaml of a run."""
    return OmegaConf.to_yaml(OmegaConf.create(asdict(config)))


def read_yaml(path: Path) -> dict[str, Any]:
    """config.yaml of a run, as plain dicts."""
    plain = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def scientific(part: Any) -> dict[str, Any]:
    """The fields of a dataclass that can change a result."""
    assert is_dataclass(part)
    names = [each.name for each in fields(part) if each.metadata.get("scientific", True)]
    return {name: getattr(part, name) for name in names}


def digest(content: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of the SHA-256 of the canonical JSON of `content`."""
    canonical = json.dumps(_same_numbers(content), separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _same_numbers(value: Any) -> Any:
    """1.0 written as 1, so that a number has one identity however it was typed."""
    if isinstance(value, Mapping):
        return {key: _same_numbers(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_same_numbers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def model_id(config: Config, corpus_sha256: str, vocabulary: str) -> str:
    """Identity of a trained model: its text (by content, not by name), shape, training and seed."""
    return digest(
        {
            "corpus": corpus_sha256,
            "vocabulary": vocabulary,
            "train_fraction": config.corpus.train_fraction,
            "model": scientific(config.model),
            "training": scientific(config.training),
            "seed": config.seed,
        }
    )


def run_id(config: Config, trained: str, *, instead: bool) -> str:
    """Identity of a comparison: the model's, how it decodes, and what is measured.

    `instead` says whether another text was asked for: a run must not stand for one that says so.
    """
    return digest(
        {
            "model": trained,
            "instead": instead,
            "decoding": scientific(config.decoding),
            "metrics": scientific(config.metrics),
        }
    )
