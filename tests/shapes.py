"""Small configs, models and texts for the tests of single rooms; whole configs come from conf/."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from nextchar.config import MODEL_KINDS, ModelConfig, TrainingConfig
from nextchar.data.corpus import Corpus, Vocabulary
from nextchar.metrics.judge import Judge
from nextchar.metrics.texts import GeneratedTexts, ReferenceTexts
from nextchar.models.base import LanguageModel
from nextchar.models.registry import build_model

V = 11
"""Characters of the random models' vocabulary."""

TINY_MODEL = {"context": 8, "layers": 2, "width": 16, "heads": 4, "feedforward": 2, "dropout": 0.0}
TINY_TRANSFORMER = {"key_value_heads": 2, "lookback": 3}

TINY_TRAINING = TrainingConfig(
    steps=12,
    batch_size=4,
    embedding_learning_rate=0.01,
    head_learning_rate=0.003,
    momentum=0.95,
    weight_decay=0.0,
    embedding_weight_decay=0.0,
    warmup_steps=2,
    decay_from=0.5,
    precision="float32",
    evaluate_every=4,
    log_every=2,
    checkpoint_every=5,
)


def model_config(kind: str = "transformer", **changes: Any) -> ModelConfig:
    """A tiny model of any kind."""
    own = TINY_TRANSFORMER if kind == "transformer" else {}
    return MODEL_KINDS[kind](**TINY_MODEL | own | changes)


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


def fresh(**changes: Any) -> LanguageModel:
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
        Corpus("test", train_text, "", vocabulary, train, train[:0], "test"), held_out, judge
    )
    measured = {"bits": np.ones(ids.shape), **measured}
    return GeneratedTexts(label, own, samples, ids[:, :0], ids, reference=reference, **measured)
