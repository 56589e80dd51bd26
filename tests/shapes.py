"""Small configs, models and texts for the tests of single rooms; whole configs come from conf/."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from nextchar.config import ModelConfig, TrainingConfig
from nextchar.data.corpus import Corpus, Vocabulary
from nextchar.metrics.judge import Judge
from nextchar.metrics.texts import GeneratedTexts, ReferenceTexts
from nextchar.models.base import LanguageModel
from nextchar.models.registry import build_model

V = 11
"""Characters of the random models' vocabulary."""

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


def random_model(config: ModelConfig) -> LanguageModel:
    """All weights random: a fresh transformer's blocks are the identity, which hides mistakes."""
    generator = torch.Generator().manual_seed(7)
    model = build_model(config, V, seed=0).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return model


TEXT = "the cat sat on the mat; the dog sat on the log. " * 20


def corpus(text: str = TEXT) -> Corpus:
    vocabulary = Vocabulary("".join(sorted(set(text))))
    ids = vocabulary.encode(text)
    return Corpus("test", text, "", vocabulary, ids[:-100], ids[-100:], "test")


def fresh(**changes: object) -> LanguageModel:
    return build_model(model_config(**changes), len(corpus().vocabulary), seed=0)


def generated(
    label: str,
    texts: Sequence[str],
    train_text: str,
    *,
    prompts: Sequence[int] | None = None,
    held_out: Sequence[str] = (),
    judge: Judge | None = None,
    **measured: Any,
) -> GeneratedTexts:
    """Texts of one length, each after an empty prompt; texts after one prompt are its samples."""
    own = np.arange(len(texts)) if prompts is None else np.array(prompts)
    samples = np.array([(own[:index] == prompt).sum() for index, prompt in enumerate(own)])
    vocabulary = Vocabulary("".join(sorted(set(train_text).union(*texts))))
    ids = np.stack([vocabulary.encode(text).numpy() for text in texts])
    train = vocabulary.encode(train_text)
    reference = ReferenceTexts(
        Corpus("test", train_text, "", vocabulary, train, train[:0]), held_out, judge
    )
    measured = {"bits": np.ones(ids.shape), **measured}
    return GeneratedTexts(label, own, samples, ids[:, :0], ids, reference=reference, **measured)
