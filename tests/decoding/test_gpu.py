"""On a GPU: the same losses and texts as on the CPU within rounding, and no waiting in the loop."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from shapes import V, corpus, fresh, model_config, random_model, training_config
from test_generation import ALL, PROMPTS, SAMPLERS

from nextchar.decoding import engine
from nextchar.decoding.cuda_graph import Captured
from nextchar.decoding.engine import Texts, generate
from nextchar.models.cache import KeyValueCache, StaticCache
from nextchar.results import TrainingRecord
from nextchar.runtime import device
from nextchar.samplers import build, draw
from nextchar.training import trainer
from nextchar.training.evaluation import evaluate
from nextchar.training.optimizer import Optimizers
from nextchar.training.step import train_steps

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here"),
]


@pytest.fixture(autouse=True)
def deterministic() -> Iterator[None]:
    """As in a run: an algorithm that torch doesn't vouch for raises."""
    threads, asked = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    device.configure_torch(threads)
    yield
    torch.use_deterministic_algorithms(asked)


@contextmanager
def waits_refused() -> Iterator[None]:
    """What waits for the device raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls the mode a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def trained(folder: Path, place: str, **changes: Any) -> list[TrainingRecord]:
    records: list[TrainingRecord] = []
    trainer.train(
        fresh().to(place),
        corpus(),
        training_config(**changes),
        seed=3,
        folder=folder,
        on_record=records.append,
    )
    return records


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_training_on_the_gpu_is_training_on_the_cpu(tmp_path: Path, optimizer: str) -> None:
    one = trained(tmp_path / "cpu", "cpu", optimizer=optimizer)
    other = trained(tmp_path / "cuda", "cuda", optimizer=optimizer)
    for on_cpu, on_gpu in zip(one, other, strict=True):
        assert on_gpu.train_loss == pytest.approx(on_cpu.train_loss, rel=5e-3)
        if on_cpu.val_loss is not None:
            assert on_gpu.val_loss == pytest.approx(on_cpu.val_loss, rel=5e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_training_on_the_gpu_is_training_on_the_cpu(tmp_path: Path) -> None:
    one = trained(tmp_path / "cpu", "cpu")
    other = trained(tmp_path / "cuda", "cuda", compile=True)
    for on_cpu, on_gpu in zip(one, other, strict=True):
        assert on_gpu.train_loss == pytest.approx(on_cpu.train_loss, rel=5e-3)


def test_training_twice_gives_the_same_bits(tmp_path: Path) -> None:
    changes = {"averaging": 0.8, "token_noise": 0.1, "precision": "auto"}
    one, other = (trained(tmp_path / name, "cuda", **changes) for name in ("one", "two"))
    assert [r.train_loss for r in one] == [r.train_loss for r in other]
    assert [r.val_loss for r in one] == [r.val_loss for r in other]


def test_no_step_waits_for_the_device() -> None:
    """Dropout, noise, average, clipping and both optimizers, after the first step has set up."""
    config = training_config(averaging=0.9, token_noise=0.1, gradient_clip=1.0)
    model, average = (fresh(dropout=0.1).to("cuda") for _ in range(2))
    steps = train_steps(
        model,
        Optimizers(model, config),
        average,
        corpus().train.to("cuda"),
        config,
        dtype=torch.bfloat16,
        vocabulary_size=len(corpus().vocabulary),
        seed=0,
        first=0,
    )
    with torch.random.fork_rng(device.rng_devices()):
        next(steps)
        with waits_refused():
            losses = list(steps)
    assert len(losses) == config.steps - 1


def test_attention_without_a_mask_is_the_causal_one() -> None:
    model = random_model(model_config())
    ids = torch.randint(V, (3, 8), generator=torch.Generator().manual_seed(0))
    expected = model(ids)
    with torch.no_grad():
        found = model.to("cuda")(ids.to("cuda")).cpu()
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_evaluation_on_the_gpu_is_evaluation_on_the_cpu() -> None:
    model = random_model(model_config())
    ids = torch.randint(V, (300,), generator=torch.Generator().manual_seed(0))
    expected = evaluate(model, ids, 8)
    assert evaluate(model.to("cuda"), ids.to("cuda"), 8) == pytest.approx(expected, rel=1e-4)


def test_a_captured_step_is_the_step_to_the_bit() -> None:
    model = random_model(model_config()).to("cuda")
    ids = torch.randint(V, (3, 30), generator=torch.Generator().manual_seed(1)).to("cuda")
    with torch.no_grad():
        _, cache = model.prefill(ids[:, :5])
        assert isinstance(cache, KeyValueCache)
        one, other = StaticCache.of(cache), StaticCache.of(cache)
        captured = Captured(
            lambda x: [model.step(x, one)], ids[:, 5], changed=(one.recent, one.length)
        )
        for t in range(5, 30):
            assert torch.equal(captured(ids[:, t])[0], model.step(ids[:, t], other)), t


def test_a_graph_keeps_what_it_writes_into() -> None:
    """It knows addresses alone: nobody else holds the memory that its function changes."""
    kept = torch.zeros(1000, device="cuda")
    captured = Captured(lambda x, kept=kept: [kept.add_(x).clone()], torch.ones(1, device="cuda"))
    before = weakref.ref(kept)
    del kept
    assert before() is not None
    assert captured(torch.ones(1, device="cuda"))[0].unique().numel() == 1


def written(place: str, **changes: Any) -> Texts:
    asked: dict[str, Any] = {"samplers": SAMPLERS, "rows": ALL} | changes
    return generate(
        random_model(model_config()).to(place),
        PROMPTS.to(place),
        **asked,
        length=20,
        seed=0,
        on_progress=lambda _: None,
    )


def test_captured_generation_is_generation_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    captured = written("cuda")
    monkeypatch.setattr(engine, "_stepping", uncaptured)
    plain = written("cuda")
    for name in ("ids", "bits", "entropy", "support_size"):
        assert torch.equal(getattr(captured, name), getattr(plain, name)), name


def uncaptured(model, cache, choices, ids, noises):  # type: ignore[no-untyped-def]
    static = StaticCache.of(cache)
    return lambda ids, noises: choices(model.step(ids, static), noises)


def test_the_gpu_writes_what_the_cpu_writes() -> None:
    """A draw on the edge between two characters may fall to either: nearly all texts agree."""
    one, other = written("cpu"), written("cuda")
    same = (one.ids == other.ids).all(1)
    assert same.double().mean() > 0.9
    torch.testing.assert_close(one.bits[same], other.bits[same], atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    "spec",
    [
        "greedy",
        *(
            {name: value}
            for name, value in {"temperature": 0.7, "dynamic_temperature": 0.7}.items()
        ),
        *({name: 0.9} for name in ("top_p", "typical", "top_h")),
        *({name: 0.05} for name in ("min_p", "epsilon", "eta", "xtc")),
        {"top_k": 5},
        {"top_n_sigma": 1},
    ],
    ids=str,
)
def test_no_choice_waits_for_the_device_and_all_are_the_cpus(spec: Any) -> None:
    sampler, generator = build(spec), torch.Generator().manual_seed(0)
    logits = torch.randn(50, 65, generator=generator) * 3
    noise = torch.rand(50, generator=generator, dtype=torch.float64)
    there, noise_there = logits.to("cuda"), noise.to("cuda")
    draw(sampler.distribution(there), noise_there)  # sets up
    with waits_refused():
        law = sampler.distribution(there)
        ids = draw(law, noise_there)
    expected = sampler.distribution(logits)
    torch.testing.assert_close(law.cpu(), expected, atol=1e-12, rtol=0)
    assert torch.equal(ids.cpu(), draw(expected, noise))
