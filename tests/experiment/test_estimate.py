"""What could never end or fit is refused before anything is made, and nothing that could."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nextchar.config import Config, ConfigError
from nextchar.decoding.registry import build_decoders
from nextchar.experiment import estimate, run
from nextchar.runtime import memory

Compose = Callable[..., Config]

HUGE = {
    "model.width=100000": "model.width=100000, .*weights",
    "model.feedforward=1000 model.width=10000": "model.feedforward=1000: weights",
    "model.layers=1000 model.width=4096": "model.layers=1000, .*weights",
    "training.batch_size=1000000000": "training.batch_size=1000000000, .*activations",
    "training.steps=1000000000 model.width=2048 training.batch_size=512": r"steps=1.*1e\+21",
    "training.nanogpt_eval_windows=1000000000": "nanogpt_eval_windows=1000000000: the places",
    "metrics.resamples=1000000000": "metrics.resamples=1000000000, .*bootstrap",
    "decoding.samples_per_prompt=1000000000": "samples_per_prompt=1000000000: the texts take",
    "corpus.characters=1000000000": "corpus.characters=1000000000: drawing",
    "decoding.samplers=[{beam:10000}] model.width=1024 model.layers=12": "beam=10000: its hypo",
}


@pytest.mark.parametrize(("overrides", "says"), HUGE.items())
@pytest.mark.timeout(60)
def test_the_impossible_is_refused_with_its_keys(
    compose: Compose,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    overrides: str,
    says: str,
) -> None:
    monkeypatch.setattr(memory, "total", lambda: 4 * 10**9)
    monkeypatch.setattr(run, "_run", None)  # accepted: an error, and not years of training
    asked = compose("experiment=smoke", f"paths.outputs={tmp_path}", *overrides.split())
    with pytest.raises(ConfigError, match=says) as raised:
        run.run_experiment(asked, "x")
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "overrides",
    [
        ("experiment=frontier", "training.steps=100000"),
        ("experiment=nanogpt_gpu",),
        ("decoding=all", "metrics=full"),
        ("decoding.samplers=[{best_of: 10000},{beam: 1000}]",),
        ("metrics.blocks=1000000000", "metrics.positions=1000000000", "seeds=[0,1]"),
    ],
)
def test_what_is_large_but_possible_is_not_refused(
    compose: Compose, monkeypatch: pytest.MonkeyPatch, overrides: tuple[str, ...]
) -> None:
    monkeypatch.setattr(memory, "total", lambda: 16 * 10**9)
    asked = compose(*overrides)
    estimate.require(asked, build_decoders(asked.decoding.samplers, 1), 111_539)


def test_the_memory_of_this_machine_is_known() -> None:
    assert 10**8 < memory.total() < 10**15
