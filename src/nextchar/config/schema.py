"""The keys of a config: frozen dataclasses that validate themselves. Defaults stand in conf/."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nextchar.config.validation import at_least, bounded, one_of, positive, require


def _not_scientific() -> Any:
    """A field that changes how a run is done and not what comes out: left out of the identities."""
    return field(metadata={"scientific": False})


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """The text, and how it is split. `kind` is `file` or `grammar`.

    Of the training split its first `train_share` is used; what validates is always the same.
    """

    name: str
    kind: str
    path: str | None
    url: str | None
    sha256: str | None
    fallback: str | None
    train_fraction: float
    train_share: float
    characters: int
    seed: int

    def __post_init__(self) -> None:
        one_of(("file", "grammar"), "corpus.kind", self.kind)
        if self.kind == "file":
            require(bool(self.path), "corpus.path", self.path, "name a text file, corpus.path=FILE")
        require(
            self.fallback in (None, "grammar"),
            "corpus.fallback",
            self.fallback,
            "must be grammar (use the embedded corpus when the file can't be had) or null",
        )
        require(
            0 < self.train_fraction < 1,
            "corpus.train_fraction",
            self.train_fraction,
            "must lie between 0 and 1, both excluded",
        )
        require(
            0 < self.train_share <= 1,
            "corpus.train_share",
            self.train_share,
            "must be greater than 0 and at most 1",
        )
        at_least(1, "corpus.characters", self.characters)
        at_least(0, "corpus.seed", self.seed)


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
        one_of(("transformer", "labml_nn", "gpt2"), "model.kind", self.kind)
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
            at_least(1, f"model.{name}", getattr(self, name))
        require(
            self.width % self.heads == 0,
            "model.width",
            self.width,
            f"must be a multiple of model.heads={self.heads}",
        )
        require(
            self.width // self.heads % 2 == 0,
            "model.width",
            self.width,
            f"must give each of model.heads={self.heads} an even width, for rotary positions",
        )
        require(
            self.heads % self.key_value_heads == 0,
            "model.key_value_heads",
            self.key_value_heads,
            f"must divide model.heads={self.heads}",
        )
        require(0 <= self.dropout < 1, "model.dropout", self.dropout, "must lie in [0, 1)")
        if self.logit_cap is not None:
            positive("model.logit_cap", self.logit_cap)


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
    averaging: float
    token_noise: float
    ahead: int
    fold: float
    random_windows: int
    precision: str
    compile: bool
    evaluate_every: int
    log_every: int = _not_scientific()
    checkpoint_every: int = _not_scientific()

    def __post_init__(self) -> None:
        counts = ("steps", "batch_size", "ahead", "evaluate_every", "log_every", "checkpoint_every")
        for name in counts:
            at_least(1, f"training.{name}", getattr(self, name))
        one_of(("muon", "adamw"), "training.optimizer", self.optimizer)
        for name in ("learning_rate", "embedding_learning_rate", "head_learning_rate"):
            positive(f"training.{name}", getattr(self, name))
            bounded(f"training.{name}", getattr(self, name))
        for name in ("momentum", "averaging", "token_noise", "fold"):
            value = getattr(self, name)
            require(0 <= value < 1, f"training.{name}", value, "must lie in [0, 1)")
        require(
            len(self.betas) == 2 and all(0 <= beta < 1 for beta in self.betas),
            "training.betas",
            self.betas,
            "must be two numbers in [0, 1), as [0.9, 0.95]",
        )
        for name in ("weight_decay", "embedding_weight_decay"):
            at_least(0, f"training.{name}", getattr(self, name))
            bounded(f"training.{name}", getattr(self, name))
        one_of(("linear", "cosine", "noam"), "training.schedule", self.schedule)
        at_least(0, "training.warmup_steps", self.warmup_steps)
        require(
            0 <= self.decay_from < 1, "training.decay_from", self.decay_from, "must lie in [0, 1)"
        )
        require(0 <= self.floor <= 1, "training.floor", self.floor, "must lie in [0, 1]")
        if self.gradient_clip is not None:
            positive("training.gradient_clip", self.gradient_clip)
        at_least(0, "training.random_windows", self.random_windows)
        one_of(("auto", "bfloat16", "float32"), "training.precision", self.precision)


@dataclass(frozen=True, kw_only=True)
class DecodingConfig:
    """Which samplers are compared, and on how many texts of which length (in characters)."""

    samplers: list[Any]
    prompts: int
    prompt_length: int
    samples_per_prompt: int
    length: int
    checkpoint: str

    def __post_init__(self) -> None:
        require(bool(self.samplers), "decoding.samplers", self.samplers, "name at least one")
        for name in ("prompts", "prompt_length", "samples_per_prompt", "length"):
            at_least(1, f"decoding.{name}", getattr(self, name))
        one_of(("last", "best", "fold"), "decoding.checkpoint", self.checkpoint)


@dataclass(frozen=True, kw_only=True)
class MetricsConfig:
    """What is measured. `level` is `core` or `full`, which needs a judge.

    `resamples` are those of the bootstrap; `positions`, `blocks` and `epsilon` are about the exact
    metrics; `frontier_window` (characters) and `frontier_clusters` about the divergence frontier.
    """

    level: str
    resamples: int
    positions: int
    blocks: int
    epsilon: float
    judge_order: int
    frontier: bool
    frontier_window: int
    frontier_clusters: int

    def __post_init__(self) -> None:
        one_of(("core", "full"), "metrics.level", self.level)
        counts = (
            "resamples",
            "positions",
            "blocks",
            "judge_order",
            "frontier_window",
            "frontier_clusters",
        )
        for name in counts:
            at_least(1, f"metrics.{name}", getattr(self, name))
        require(0 < self.epsilon < 1, "metrics.epsilon", self.epsilon, "must lie between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class PathsConfig:
    """Where texts are read and results are written."""

    data: str
    outputs: str


@dataclass(frozen=True, kw_only=True)
class Config:
    """One comparison, whole; with `seeds` one for each of them, pooled."""

    name: str
    seed: int
    seeds: list[int] | None
    plugins: list[str]
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
        require(
            bool(self.name.strip())
            and not set(self.name) & set('/\\:*?"<>|\0')
            and self.name[0] != ".",
            "name",
            self.name,
            'must be a plain file name, without / \\ : * ? " < > | and no dot in front',
        )
        require(0 <= self.seed < 2**32, "seed", self.seed, "must lie between 0 and 2^32 - 1")
        if self.seeds is not None:
            require(
                len(set(self.seeds)) == len(self.seeds) >= 2,
                "seeds",
                self.seeds,
                "must be at least two, all different, as [0, 1, 2]; for one seed set seed",
            )
            require(
                all(0 <= seed < 2**32 for seed in self.seeds),
                "seeds",
                self.seeds,
                "must each lie between 0 and 2^32 - 1",
            )
            require(
                self.seed == 0, "seed", self.seed, f"seeds={self.seeds} takes its place: leave it 0"
            )
        one_of(("auto", "cpu", "cuda", "mps"), "device", self.device)
        require(1 <= self.threads <= 1024, "threads", self.threads, "must lie in 1 to 1024")
        require(
            self.decoding.checkpoint != "fold" or self.training.fold > 0,
            "decoding.checkpoint",
            self.decoding.checkpoint,
            "needs a training.fold above 0, such as 0.05",
        )
        require(
            self.training.ahead == 1 or self.model.kind == "transformer",
            "training.ahead",
            self.training.ahead,
            f"must be 1 for model.kind={self.model.kind}, which does not show its hidden states",
        )

        if self.metrics.frontier:
            require(
                self.model.kind == "transformer",
                "metrics.frontier",
                "true",
                f"model.kind={self.model.kind} does not show its hidden states; use "
                "model=transformer, or metrics.frontier=false",
            )
            require(
                self.metrics.frontier_window <= self.decoding.length,
                "metrics.frontier_window",
                self.metrics.frontier_window,
                f"must be at most decoding.length={self.decoding.length}",
            )

    @property
    def parts(self) -> list[Config]:
        """The comparison of each seed, in ascending order; this one alone where there is one."""
        if self.seeds is None:
            return [self]
        return [replace(self, seed=seed, seeds=None) for seed in sorted(self.seeds)]

    @property
    def outputs(self) -> Path:
        return Path(self.paths.outputs)
