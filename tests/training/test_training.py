"""Training: exact evaluation, keyed batches, schedules, and resuming to the bit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from shapes import corpus, fresh, training_config
from torch import Tensor
from torture.mutations import MUTATIONS, mutate

from nextchar import results
from nextchar.config import ConfigError, TrainingConfig
from nextchar.models.base import LanguageModel
from nextchar.results import TrainingRecord
from nextchar.runtime import checked, files
from nextchar.training import batches, checkpoint, trainer
from nextchar.training import step as steps
from nextchar.training.evaluation import evaluate, evaluate_nanogpt
from nextchar.training.optimizer import Optimizers, schedule
from nextchar.training.step import train_steps


def train(
    folder: Path, config: TrainingConfig, stop_at: int | None = None, **shape: Any
) -> tuple[LanguageModel, list[TrainingRecord]]:
    """Train; `stop_at` raises in the middle of the given record, as Ctrl-C would."""
    model, records = fresh(**shape), []

    def on_record(record: TrainingRecord) -> None:
        records.append(record)
        if record.step == stop_at:
            raise KeyboardInterrupt

    trainer.train(model, corpus(), config, seed=3, folder=folder, on_record=on_record)
    return model, records


def science(records: list[TrainingRecord]) -> list[tuple[object, ...]]:
    """Records without their speed."""
    return [(r.step, r.train_loss, r.val_loss, r.learning_rate) for r in records]


def windows(
    ids: Tensor, config: TrainingConfig, *, seed: int, step: int, length: int = 9
) -> Tensor:
    """What one step reads, drawn as if the training went on from it."""
    return next(batches.batches(ids, config, length, seed, first=step))


def step_by_step(
    model: LanguageModel,
    optimizers: Optimizers,
    config: TrainingConfig,
    average: LanguageModel | None = None,
) -> Iterator[Tensor]:
    return train_steps(
        model,
        optimizers,
        average,
        corpus().train,
        config,
        dtype=torch.float32,
        vocabulary_size=len(corpus().vocabulary),
        seed=0,
        first=0,
    )


def test_the_evaluation_is_exact_over_every_character() -> None:
    """Equal to one character at a time, for a split that is no multiple of the window."""
    model = fresh()
    torch.nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(0))  # type: ignore[arg-type, union-attr]
    ids = corpus().validation[:45]
    losses = []
    for place in range(1, len(ids)):
        start = (place - 1) // 8 * 8
        logits = model(ids[None, start:place])[0, -1]
        losses.append(F.cross_entropy(logits, ids[place]).item())
    assert evaluate(model, ids, 8) == pytest.approx(sum(losses) / 44, rel=1e-5)
    assert evaluate(model, ids[:2], 8) == pytest.approx(losses[0], rel=1e-5)


def test_an_untrained_model_knows_nothing() -> None:
    expected = math.log(len(corpus().vocabulary))
    assert evaluate(fresh(), corpus().validation, 8) == pytest.approx(expected, rel=1e-6)


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    ids, config = torch.arange(50), training_config()
    first = windows(ids, config, seed=1, step=4)
    assert torch.equal(first, windows(ids, config, seed=1, step=4))
    assert not torch.equal(first, windows(ids, config, seed=1, step=5))
    assert not torch.equal(first, windows(ids, config, seed=2, step=4))
    assert torch.equal(first, first[:, :1] + torch.arange(9)), "each row is a piece of the text"


def test_batches_reach_both_ends_of_the_text() -> None:
    """Misses an end by chance once in exp(-60) times."""
    ids = torch.arange(12)
    config = training_config(batch_size=200)
    drawn = windows(ids, config, seed=0, step=0)
    assert drawn.min() == 0
    assert drawn.max() == 11


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_training_learns(tmp_path: Path, optimizer: str) -> None:
    config = training_config(optimizer=optimizer, steps=60, evaluate_every=20)
    _, records = train(tmp_path, config)
    losses = [record.val_loss for record in records if record.val_loss is not None]
    assert losses[-1] < 0.75 * math.log(len(corpus().vocabulary))
    assert [record.step for record in records][-1] == 60


@pytest.mark.parametrize("stop_at", [2, 6, 10, 12])
@pytest.mark.parametrize(
    ("dropout", "changes"),
    [
        (0.0, {}),
        (0.3, {}),
        (0.3, {"averaging": 0.8, "token_noise": 0.2}),
    ],
    ids=["plain", "dropout", "everything"],
)
def test_a_stopped_training_goes_on_to_the_same_bits(
    tmp_path: Path, stop_at: int, dropout: float, changes: dict[str, Any]
) -> None:
    config = training_config(**changes)
    whole, expected = train(tmp_path / "whole", config, dropout=dropout)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", config, stop_at, dropout=dropout)
    resumed, found = train(tmp_path / "stopped", config, dropout=dropout)
    assert science(found) == science(expected), "records from before the stop come again"
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
    for name in (trainer.LAST, trainer.BEST):
        one, other = (
            checkpoint.load(tmp_path / folder / name)[0] for folder in ("whole", "stopped")
        )
        assert checkpoint.weights_sha256(one) == checkpoint.weights_sha256(other)
    steps = [r.step for r in results.read_training(tmp_path / "stopped" / results.TRAINING)]
    assert steps == [2, 4, 6, 8, 10, 12]


def test_a_kill_between_the_log_and_the_checkpoint_leaves_no_step_twice(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, training_config(), stop_at=8)
    log = tmp_path / results.HISTORY
    rows = [*checked.read_json(log)["records"], asdict(TrainingRecord(6, 9.9, None, 0.1, 1.0))]
    checked.write_json(log, {"records": rows})
    _, found = train(tmp_path, training_config())
    assert [record.step for record in found] == [2, 4, 6, 8, 10, 12]
    assert found == results.read_training(tmp_path / results.TRAINING)


def test_training_leaves_global_randomness_alone(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    train(tmp_path, training_config(steps=2), dropout=0.5)
    assert torch.equal(torch.get_rng_state(), state)


def test_last_and_best_weights_can_be_had(tmp_path: Path) -> None:
    config = training_config(learning_rate=0.5, steps=8, evaluate_every=1, decay_from=0.9)
    model, records = train(tmp_path, config)
    losses = [record.val_loss for record in records if record.val_loss is not None]
    validation = corpus().validation
    for which, loss in (("last", losses[-1]), ("best", min(losses))):
        trainer.load_weights(model, tmp_path, which)
        assert evaluate(model, validation, 8) == pytest.approx(loss, rel=1e-6)


def test_bfloat16_changes_the_bits_and_little_else(tmp_path: Path) -> None:
    losses = {}
    for precision in ("float32", "bfloat16"):
        _, records = train(tmp_path / precision, training_config(precision=precision))
        losses[precision] = records[-1].train_loss
    assert losses["float32"] != losses["bfloat16"]
    assert losses["float32"] == pytest.approx(losses["bfloat16"], rel=0.02)


def test_a_gradient_is_clipped() -> None:
    model = fresh()
    config = training_config(gradient_clip=1e-9, optimizer="adamw")
    norms: list[Tensor] = []
    optimizers = Optimizers(model, config)
    take = optimizers.step
    optimizers.step = lambda step: (  # type: ignore[method-assign, assignment]
        norms.extend(p.grad.norm() for p in model.parameters() if p.grad is not None),
        take(step),
    )
    next(step_by_step(model, optimizers, config))
    assert torch.stack(norms).norm() == pytest.approx(1e-9, rel=1e-3)


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_a_schedule_rises_stays_and_falls_to_zero(kind: str) -> None:
    config = training_config(steps=100, warmup_steps=10, decay_from=0.4, schedule=kind)
    rates = [schedule(config, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:41] == [1.0] * 32
    assert all(a > b for a, b in itertools.pairwise(rates[40:]))
    assert schedule(config, 70) == pytest.approx(0.5)
    assert rates[-1] < 0.02
    assert schedule(config, 100) == pytest.approx(0, abs=1e-12)


def test_a_schedule_may_end_above_zero() -> None:
    config = training_config(steps=100, warmup_steps=0, floor=0.1)
    assert schedule(config, 0) == 1
    assert schedule(config, 100) == pytest.approx(0.1)


def test_noam_peaks_at_the_end_of_its_warm_up() -> None:
    config = training_config(steps=1000, warmup_steps=10, schedule="noam")
    rates = [schedule(config, step) for step in range(1000)]
    assert max(rates) == rates[9] == 1
    assert rates[4] == pytest.approx(0.5)
    assert rates[39] == pytest.approx(0.5)
    assert schedule(training_config(schedule="noam", warmup_steps=0), 0) == 1


def test_every_parameter_has_one_optimizer() -> None:
    for kind in ("transformer", "labml_nn", "gpt2"):
        model = fresh(kind=kind)
        held = [
            id(parameter)
            for optimizer in Optimizers(model, training_config()).all
            for parameter in optimizer.parameters
        ]
        assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())


def test_batches_drawn_at_once_are_those_of_each_step() -> None:
    """Also past the number that is drawn at once."""
    ids, config = torch.arange(60), training_config(steps=batches.AT_ONCE + 3)
    drawn = list(batches.batches(ids, config, 9, 1))
    assert len(drawn) == config.steps
    for step in (0, 1, batches.AT_ONCE - 1, batches.AT_ONCE, batches.AT_ONCE + 2):
        starts = np.random.default_rng((1, step)).integers(60 - 8, size=config.batch_size)
        assert drawn[step][:, 0].tolist() == starts.tolist()
        assert torch.equal(drawn[step], windows(ids, config, seed=1, step=step))


def test_token_noise_replaces_a_share_of_what_is_read() -> None:
    """Of 100,000 ids a share of 0.2 * 9 / 10 changes: outside the bounds once in 10^9 times."""
    ids = torch.randint(10, (100, 1000), generator=torch.Generator().manual_seed(0))
    noisy = batches.with_noise(ids, 0.2, 10, torch.Generator().manual_seed(1))
    assert abs((noisy != ids).double().mean().item() - 0.18) < 6 * (0.18 * 0.82 / 100_000) ** 0.5
    others = noisy[noisy != ids].bincount(minlength=10) / (noisy != ids).sum()
    assert (others - 0.1).abs().max() < 0.02
    assert torch.equal(batches.with_noise(ids, 0.0, 10, torch.Generator()), ids)


def test_token_noise_leaves_the_targets_alone(tmp_path: Path) -> None:
    """With noise nearly everywhere the inputs say nothing, and the frequencies are what is left."""
    config = training_config(token_noise=0.99, steps=60, evaluate_every=60, learning_rate=0.01)
    _, records = train(tmp_path, config)
    counts = corpus().train.bincount() / len(corpus().train)
    entropy = torch.special.entr(counts).sum().item()
    assert records[-1].train_loss == pytest.approx(entropy, rel=0.1)


def test_the_average_is_a_mean_at_first_and_exponential_then() -> None:
    model, average = fresh(), fresh()
    for step, value in enumerate([1.0, 2.0, 6.0, 1.0]):
        for weight in model.parameters():
            torch.nn.init.constant_(weight, value)
        steps.update_average(average, model, 0.6, step)
        expected = [1.0, 1.5, 1.5 * 0.6 + 6 * 0.4, (1.5 * 0.6 + 6 * 0.4) * 0.6 + 0.4][step]
        assert next(average.parameters()).flatten()[0].item() == pytest.approx(expected)


def test_the_average_is_what_is_evaluated_and_kept(tmp_path: Path) -> None:
    config = training_config(averaging=0.9, evaluate_every=12)
    model, records = train(tmp_path, config)
    plain, _ = train(tmp_path / "plain", training_config(evaluate_every=12))
    average, trained = fresh(), fresh()
    list(
        train_steps(
            trained,
            Optimizers(trained, config),
            average,
            corpus().train,
            config,
            dtype=torch.float32,
            vocabulary_size=len(corpus().vocabulary),
            seed=3,
            first=0,
        )
    )
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, average.state_dict()[name]), name
    for name, weight in plain.state_dict().items():
        assert torch.equal(weight, trained.state_dict()[name]), "the steps are the same"
    assert evaluate(model, corpus().validation, 8) == records[-1].val_loss
    loaded = fresh()
    trainer.load_weights(loaded, tmp_path, "last")
    assert evaluate(loaded, corpus().validation, 8) == records[-1].val_loss


def test_nanogpt_windows_need_a_text_to_start_in(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"validation split has .* at least 101"):
        train(tmp_path, training_config(nanogpt_eval_windows=5), context=100)


def test_nanogpt_windows_are_measured_over_all_their_characters(tmp_path: Path) -> None:
    """Every window of a periodic text, by a model that knows nothing but its frequencies."""
    model = fresh()
    ids = corpus().validation[:9]
    loss = evaluate_nanogpt(model, ids, 8, 70, np.random.default_rng(0))
    assert loss == pytest.approx(evaluate(model, ids, 8), rel=1e-6), "there is but one window"
    trained = trainer.train(
        model,
        corpus(),
        training_config(nanogpt_eval_windows=500),
        seed=3,
        folder=tmp_path,
        on_record=lambda record: None,
    )
    assert trained.validation_loss_windows == pytest.approx(trained.validation_loss, rel=0.05)
    generator = np.random.default_rng((3, 12))
    assert trained.validation_loss_windows == evaluate_nanogpt(
        model, corpus().validation, 8, 500, generator
    )
    again = trainer.train(
        fresh(),
        corpus(),
        training_config(nanogpt_eval_windows=500),
        seed=3,
        folder=tmp_path,
        on_record=lambda record: None,
    )
    assert again == trained, "also when it was finished already"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_a_compiled_training_is_the_same_within_rounding(tmp_path: Path) -> None:
    found = {}
    for compiled in (False, True):
        config = training_config(compile=compiled)
        found[compiled] = train(tmp_path / str(compiled), config)[1]
    for one, other in zip(found[False], found[True], strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-3)
        if one.val_loss is not None:
            assert one.val_loss == pytest.approx(other.val_loss, rel=1e-3)


def test_weights_have_one_hash_each() -> None:
    weights = {"b": torch.arange(6.0).view(2, 3), "a": torch.ones(2)}
    digest = checkpoint.weights_sha256(weights)
    assert digest == checkpoint.weights_sha256(dict(reversed(weights.items())))
    changed = weights | {"a": torch.tensor([1.0, math.nextafter(1, 2)])}
    for other in (
        weights | {"a": torch.tensor([1.0, 1.0000001])},
        weights | {"b": weights["b"].view(3, 2)},
        {"c": weights["b"], "a": weights["a"]},
    ):
        assert checkpoint.weights_sha256(other) != digest
    assert checkpoint.weights_sha256(changed) == digest, "float32 can't tell them apart"


@pytest.mark.parametrize("how", MUTATIONS)
def test_no_damaged_checkpoint_is_loaded(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.safetensors"
    tensors = {
        "w": torch.arange(6.0).view(2, 3),
        "half": torch.ones(2).bfloat16(),
        "n": torch.tensor(3),
    }
    checkpoint.save(path, tensors, {"step": 1, "best": math.inf})
    content = path.read_bytes()
    for seed in range(100):
        mutate(path, how, seed)
        with pytest.raises(checked.DamagedError, match=r"a\.safetensors: (missing|not what)"):
            checkpoint.load(path)
        path.write_bytes(content)
    loaded, facts = checkpoint.load(path)
    assert facts == {"step": 1, "best": math.inf}
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())


def test_what_cannot_be_written_is_one_line_with_the_path(tmp_path: Path) -> None:
    """As on a full disk: here the system takes no more than a kilobyte for a file."""
    resource = pytest.importorskip("resource", reason="Windows has no such limits")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "a.safetensors"
    for write in (
        lambda: checkpoint.save(path, {"w": torch.zeros(10**5)}, {}),
        lambda: files.write_text(path, "text" * 10**5),
    ):
        with pytest.raises(OSError, match="File too large") as raised:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
            try:
                write()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)
        assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.safetensors"
    checkpoint.save(path, {"w": torch.ones(3)}, {"step": 1})
    with pytest.raises(TypeError):
        checkpoint.save(path, {"w": torch.zeros(3)}, {"step": object()})
    tensors, facts = checkpoint.load(path)
    assert tensors["w"].tolist() == [1, 1, 1]
    assert facts == {"step": 1}
    assert [each.name for each in path.parent.iterdir()] == ["a.safetensors"]
