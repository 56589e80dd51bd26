"""Configuration: frozen dataclasses that validate themselves, and the identities made from them.

`register()` hands the classes to Hydra as schemas and defaults; `resolve()` turns a composed Hydra
config into a `Config`, whose sections are what the other rooms take.
"""

from nextchar.config.again import overrides_of
from nextchar.config.hydra import (
    USER_ERRORS,
    compose,
    one_line,
    read_yaml,
    register,
    resolve,
    to_yaml,
)
from nextchar.config.identity import digest, model_id, pooled_id, run_id
from nextchar.config.models import (
    MODEL_KINDS,
    GPT2Config,
    LabmlConfig,
    ModelConfig,
    TransformerConfig,
)
from nextchar.config.plugins import load_plugins, load_used
from nextchar.config.schema import (
    PARTS,
    Config,
    CorpusConfig,
    DecodingConfig,
    MetricsConfig,
    PathsConfig,
    TrainingConfig,
)
from nextchar.config.validation import ConfigError, setting

__all__ = [
    "MODEL_KINDS",
    "PARTS",
    "USER_ERRORS",
    "Config",
    "ConfigError",
    "CorpusConfig",
    "DecodingConfig",
    "GPT2Config",
    "LabmlConfig",
    "MetricsConfig",
    "ModelConfig",
    "PathsConfig",
    "TrainingConfig",
    "TransformerConfig",
    "compose",
    "digest",
    "load_plugins",
    "load_used",
    "model_id",
    "one_line",
    "overrides_of",
    "pooled_id",
    "read_yaml",
    "register",
    "resolve",
    "run_id",
    "setting",
    "to_yaml",
]
