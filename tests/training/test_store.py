"""Trained models on disk: what a training says of the models beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nextchar.config import Config, to_yaml
from nextchar.training.store import _other_length

BASE = ("experiment=smoke", "training.steps=4")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("training.steps=8",), True),
        (("training.steps=8", "decoding.length=3", "name=other"), True),
        (("training.steps=8", "training.learning_rate=0.5"), False),
        (("training.steps=8", "model.width=48"), False),
        (("training.steps=8", "seed=1"), False),
        (("training.steps=8", "corpus.train_fraction=0.8"), False),
    ],
)
def test_a_model_of_another_length_is_named(
    compose: Callable[..., Config], tmp_path: Path, changed: tuple[str, ...], said: bool
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "config.yaml").write_text(to_yaml(compose(*BASE)), encoding="utf-8")
    asked = to_yaml(compose(*BASE, *changed))
    assert _other_length(tmp_path / "new", asked) == ("there" if said else None)
    (tmp_path / "new").mkdir()
    assert _other_length(tmp_path / "new", asked) is None, "it goes on"
