"""Small configs for the tests of single rooms; whole configs are composed from conf/."""

from __future__ import annotations

import dataclasses
from typing import Any

from nextchar.config import ModelConfig, TrainingConfig

TINY_MODEL = ModelConfig(
    kind="transformer",
    layers=2,
    width=16,
    heads=4,
    key_value_heads=2,
    context=8,
    feedforward=2,
    lookback=3,
    dropout=0.0,
    logit_cap=15.0,
)

TINY_TRAINING = TrainingConfig(
    steps=12,
    batch_size=4,
    optimizer="muon",
    learning_rate=0.02,
    embedding_learning_rate=0.01,
    head_learning_rate=0.003,
    momentum=0.95,
    betas=(0.8, 0.95),
    weight_decay=0.0,
    embedding_weight_decay=0.0,
    schedule="linear",
    warmup_steps=2,
    decay_from=0.5,
    floor=0.0,
    gradient_clip=None,
    averaging=0.0,
    token_noise=0.0,
    ahead=1,
    fold=0.0,
    random_windows=0,
    precision="float32",
    compile=False,
    evaluate_every=4,
    log_every=2,
    checkpoint_every=5,
)


def model_config(**changes: Any) -> ModelConfig:
    return dataclasses.replace(TINY_MODEL, **changes)


def training_config(**changes: Any) -> TrainingConfig:
    return dataclasses.replace(TINY_TRAINING, **changes)
