"""Configuration: frozen dataclasses that validate themselves, and the identities made from them.

The only room that knows OmegaConf. `register()` hands the classes to Hydra as schemas; `resolve()`
turns a composed Hydra config into a `Config`, whose parts are what the other rooms take.
"""

from nextchar.config.hydra import (
    PARTS,
    USER_ERRORS,
    compose,
    one_line,
    read_yaml,
    register,
    resolve,
    to_yaml,
)
from nextchar.config.identity import digest, model_id, pooled_id, run_id, scientific, split
from nextchar.config.plugins import Plugin, load_plugins
from nextchar.config.schema import (
    Config,
    CorpusConfig,
    DecodingConfig,
    MetricsConfig,
    ModelConfig,
    PathsConfig,
    TrainingConfig,
)
from nextchar.config.validation import ConfigError

__all__ = [
    "PARTS",
    "USER_ERRORS",
    "Config",
    "ConfigError",
    "CorpusConfig",
    "DecodingConfig",
    "MetricsConfig",
    "ModelConfig",
    "PathsConfig",
    "Plugin",
    "TrainingConfig",
    "compose",
    "digest",
    "load_plugins",
    "model_id",
    "one_line",
    "pooled_id",
    "read_yaml",
    "register",
    "resolve",
    "run_id",
    "scientific",
    "split",
    "to_yaml",
]
