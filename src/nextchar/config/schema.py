"""The keys of a config, with their defaults: frozen dataclasses that validate themselves.

Values that aren't the default stand in `conf/`: each YAML file there is a named recipe.
"""
# ruff: noqa: RUF009 - what `setting` returns is a field

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

from nextchar.config.models import MODEL_KINDS, ModelConfig
from nextchar.config.plugins import load_plugins
from nextchar.config.validation import LARGEST, REQUIRED, Section, count, rate, setting, share

decay = partial(setting, at_least=0, at_most=LARGEST)
any_seed = partial(setting, at_least=0, at_most=2**32 - 1)


_NO_PATH = "is no path here: it holds a NUL, or ~ and no user of this name"


def _is_path(text: str) -> bool:
    try:
        Path(text).expanduser()
    except RuntimeError:
        return False
    return "\0" not in text


def _is_encoding(name: str) -> bool:
    try:
        return isinstance(b"a".decode(name), str)
    except UnicodeError:
        return True  # which is known, and takes more bytes for a character
    except (LookupError, ValueError):
        return False


@dataclass(frozen=True, kw_only=True)
class CorpusConfig(Section):
    """The text, and how it is split."""

    section = "corpus"

    name: str = setting(REQUIRED, "what reports call the text")
    kind: str = setting("file", "file: read from path; grammar: drawn", "file", "grammar")
    path: str | None = setting(None, "a text file")
    encoding: str = setting("utf-8", "of the file, by Python's name: utf-16, latin-1, gb18030")
    newlines: str = setting(
        "lf", "lf: any line ending becomes one, and a byte order mark goes", "lf", "keep"
    )
    url: str | None = setting(None, "where the file is downloaded from when it is missing")
    sha256: str | None = setting(None, "what the file's content must hash to; null: anything")
    fallback: str | None = setting(
        None, "draws the text when it has no file; null: stop", "grammar"
    )
    train_fraction: float = setting(
        0.9,
        "share of the text, from its beginning, that trains; the rest validates",
        above=0,
        below=1,
    )
    train_share: float = setting(
        1.0, "share of the training split, from its beginning, that is used", above=0, at_most=1
    )
    characters: int = count(1_115_394, "length of a drawn text; as long as tiny Shakespeare")
    seed: int = setting(0, "which text is drawn", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.kind != "file" or bool(self.path)
        self.require(given, "path", "name a text file, corpus.path=FILE")
        self.require(self.path is None or _is_path(self.path), "path", _NO_PATH)
        known = "must be a text encoding of Python, as utf-8, utf-16, latin-1, cp1252, gb18030"
        self.require(_is_encoding(self.encoding), "encoding", known)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(Section):
    """How the model is trained; docs/log.md says how long the default takes."""

    section = "training"

    steps: int = count(1150, "optimizer steps")
    batch_size: int = count(16, "windows of model.context characters per step")
    optimizer: str = setting("muon", "of the matrices; the rest has adamw", "muon", "adamw")
    learning_rate: float = rate(0.02, "of the matrices")
    embedding_learning_rate: float = rate(0.03, "of the embedding, and of biases and norms")
    head_learning_rate: float = rate(0.01, "of the head")
    momentum: float = share(0.9, "of Muon")
    betas: tuple[float, float] = share((0.8, 0.95), "of AdamW")
    weight_decay: float = decay(0.1, "of the matrices")
    embedding_weight_decay: float = decay(0.1, "of embedding and head")
    schedule: str = setting(
        "linear", "constant, then falling; noam: 1 / sqrt(step)", "linear", "cosine", "noam"
    )
    warmup_steps: int = setting(30, "rising to the learning rate", at_least=0, at_most=10**9)
    decay_from: float = share(0.4, "share of the steps after which the rate starts to fall")
    floor: float = setting(0.0, "share of the rate that is left at the end", at_least=0, at_most=1)
    gradient_clip: float | None = rate(None, "largest norm of the gradient; null: any")
    averaging: float = share(
        0.0, "decay of a moving average of the weights, which is kept; 0: none"
    )
    token_noise: float = share(0.0, "share of the characters read in training that are replaced")
    nanogpt_eval_windows: int = setting(
        0,
        "random windows of nanoGPT's evaluation after training; 0: not measured",
        at_least=0,
        at_most=10**9,
    )
    precision: str = setting(
        "auto", "in training; auto: bfloat16 where it is native", "auto", "bfloat16", "float32"
    )
    compile: bool = setting(False, "torch.compile of a step's loss; on a GPU with CUDA graphs")
    evaluate_every: int = count(250, "steps between evaluations of the whole validation split")
    log_every: int = count(10, "steps between rows of training.csv", scientific=False)
    checkpoint_every: int = count(
        100, "steps between checkpoints, from which a stopped run goes on", scientific=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(len(self.betas) == 2, "betas", "must be two numbers, as [0.9, 0.95]")


@dataclass(frozen=True, kw_only=True)
class DecodingConfig(Section):
    """Which samplers are compared, and on how many texts of which length."""

    section = "decoding"

    samplers: list[Any] = setting(REQUIRED, "each an ordered mapping, applied from left to right")
    prompts: int = count(64, "cut from the validation split, evenly spaced")
    prompt_length: int = count(64, "characters of each prompt")
    samples_per_prompt: int = count(1, "texts that a sampler writes after each prompt")
    length: int = count(256, "characters of each text")
    checkpoint: str = setting(
        "last", "weights: last, or best on the validation split", "last", "best"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(bool(self.samplers), "samplers", "name at least one")


@dataclass(frozen=True, kw_only=True)
class MetricsConfig(Section):
    """What is measured."""

    section = "metrics"

    level: str = setting("core", "full: everything, with an n-gram judge", "core", "full")
    resamples: int = count(2000, "of the bootstrap behind each interval", at_least=20)
    positions: int = count(200_000, "of the validation split, at most, for the exact metrics")
    blocks: int = count(100, "stretches of the split that their bootstrap draws from")
    epsilon: float = setting(
        0.0001, "in epsilon-perplexity: probability of a character that was cut", above=0, below=1
    )
    judge_order: int = count(
        7, "longest character n-gram of the judge of metrics=full", at_most=1000
    )
    frontier: bool = setting(False, "the divergence frontier (MAUVE) of the model's hidden states")
    frontier_window: int = count(32, "characters of a window, which its histograms count")
    frontier_clusters: int = count(64, "that the windows are counted in")


@dataclass(frozen=True, kw_only=True)
class PathsConfig(Section):
    """Where texts are read and results are written."""

    section = "paths"

    data: str = setting(REQUIRED, "folder where texts are found and downloaded to")
    outputs: str = setting(REQUIRED, "folder where results are written")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("data", "outputs"):
            folder = getattr(self, name)
            self.require(bool(folder.strip()), name, "name a folder; . is the current one")
            self.require("://" not in folder, name, "must be a folder of this machine, not a URL")
            self.require(_is_path(folder), name, _NO_PATH)
        home = f"~ is not expanded here: write {Path(self.outputs).expanduser()}"
        self.require(not self.outputs.startswith("~"), "outputs", home)


@dataclass(frozen=True, kw_only=True)
class Config(Section):
    """One comparison; with `seeds` one for each of them, pooled."""

    name: str = setting("compare", "the run's folder is outputs/runs/<name>-<run_id>")
    seed: int = any_seed(0, "of initial weights, batches and the noise of the samplers")
    seeds: list[int] | None = any_seed(
        None, "[0, 1, 2]: train and compare with each, and pool them"
    )
    plugins: list[str] = setting([], "your modules, imported first: [my_samplers, path/to/file.py]")
    device: str = setting("auto", "auto: cuda, else mps, else cpu", "auto", "cpu", "cuda", "mps")
    threads: int = count(2, "of the CPU; fixed, as bits may depend on it", at_most=1024)
    force: bool = setting(False, "true: compute again what is already on disk")
    corpus: CorpusConfig = setting(REQUIRED, "the text")
    model: ModelConfig = setting(REQUIRED, "the language model")
    training: TrainingConfig = setting(REQUIRED, "how it is trained")
    decoding: DecodingConfig = setting(REQUIRED, "which samplers are compared, on how many texts")
    metrics: MetricsConfig = setting(REQUIRED, "what is measured")
    paths: PathsConfig = setting(REQUIRED, "folders")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(
            self.name.isprintable()  # no control characters, and none that turn its direction
            and self.name == self.name.strip(" ")
            and not set(self.name) & set('/\\:*?"<>|')
            and self.name[:1] not in ("", ".")
            and self.name[-1] != "."
            and not re.match(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", self.name, re.IGNORECASE)
            and len(self.name.encode()) <= 200,
            "name",
            'must be a plain file name on every system: without / \\ : * ? " < > | and control '
            "characters, no dot or space at its ends, at most 200 bytes, no con or nul",
        )
        if self.seeds is not None:
            self.require(
                len(set(self.seeds)) == len(self.seeds) >= 2,
                "seeds",
                "must be at least two, all different, as [0, 1, 2]; for one seed set seed",
            )
            self.require(self.seed == 0, "seed", f"seeds={self.seeds} takes its place: leave it 0")
        self.metrics.require(
            not self.metrics.frontier or self.metrics.frontier_window <= self.decoding.length,
            "frontier_window",
            f"must be at most decoding.length={self.decoding.length}",
        )

    @classmethod
    def restore(cls, plain: Mapping[str, Any]) -> Config:
        """The config whose config.yaml `plain` is; its plugins are loaded first."""
        load_plugins(plain["plugins"])
        kinds = PARTS | {"model": MODEL_KINDS[plain["model"]["kind"]]}
        return cls(**dict(plain) | {name: kind(**plain[name]) for name, kind in kinds.items()})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as plain values: another process has not imported the plugins yet."""
        return Config.restore, (asdict(self),)

    @property
    def parts(self) -> list[Config]:
        """The comparison of each seed, in ascending order; this one alone where there is one."""
        if self.seeds is None:
            return [self]
        return [replace(self, seed=seed, seeds=None) for seed in sorted(self.seeds)]

    @property
    def outputs(self) -> Path:
        return Path(self.paths.outputs).expanduser()


PARTS: dict[str, type[Section]] = {
    name: kind
    for name, kind in get_type_hints(Config).items()
    if isinstance(kind, type) and issubclass(kind, Section)
}
"""The sections, as Config names them."""
