"""The same command comes to the same bits: elsewhere, after a stop, and after another run."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from launching import TINY, Ended, Forked, tiny

from nextchar import results
from nextchar.results import TrainingRecord

STEPS, EVERY = 120, 5
LONG = (
    *TINY,
    f"training.steps={STEPS}",
    "training.evaluate_every=30",
    "training.log_every=5",
    f"training.checkpoint_every={EVERY}",
    "decoding.length=96",
)
"""Tiny, but long enough to be stopped in each of its stages."""


def hashes(folder: Path) -> dict[str, str]:
    return dict(results.read_json(latest(folder) / results.MANIFEST)["sha256"])


def latest(folder: Path) -> Path:
    return (folder / "outputs" / "latest").resolve()


def model(folder: Path) -> Path:
    (only,) = (path for path in (folder / "outputs" / "models").iterdir() if path.is_dir())
    return only


def training(folder: Path) -> list[TrainingRecord]:
    """training.csv, without the speed, which is another each time."""
    records = results.read_training(model(folder) / results.TRAINING)
    return [replace(record, characters_per_second=0.0) for record in records]


def assert_same(folder: Path, other: Path) -> None:
    """Results and weights to the byte, and the history of the training to the last digit."""
    assert hashes(folder) == hashes(other)
    assert latest(folder).name == latest(other).name
    for name in (results.SAMPLES, results.METRICS):
        assert (latest(folder) / name).read_bytes() == (latest(other) / name).read_bytes()
    for name in ("last.safetensors", "best.safetensors"):
        assert (model(folder) / name).read_bytes() == (model(other) / name).read_bytes()
    assert training(folder) == training(other)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, play: str) -> Path:
    """The working folder of a LONG run that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "play.txt").write_text(play, encoding="utf-8")
    ended = Forked(folder, *LONG).wait()
    assert ended.code == 0, ended.err
    return folder


def reached(folder: Path, step: int) -> Callable[[], bool]:
    """Whether the training has a checkpoint of this step."""

    def holds() -> bool:
        logs = list((folder / "outputs" / "models").glob(f"*/{results.TRAINING}"))
        return bool(logs) and results.read_training(logs[0])[-1].step >= step

    return holds


def stopped(folder: Path, how: int, when: Callable[[Forked], bool]) -> Ended:
    """A LONG run that gets a signal at some moment; its training or comparison is not done."""
    running = Forked(folder, *LONG)
    running.send(how, lambda: when(running))
    ended = running.wait()
    assert not list((folder / "outputs").glob("runs/*/DONE")), "it was over before"
    return ended


def assert_interrupted(ended: Ended) -> None:
    assert (ended.code, ended.out) == (130, "")
    assert "Traceback" not in ended.err
    assert [line for line in ended.lines if not line.startswith(("training ", "generating "))] == [
        "nextchar: interrupted; the same command continues from the last checkpoint"
    ]


def test_elsewhere(tiny_run: Path, folder: Path) -> None:
    tiny(folder)
    assert_same(folder, tiny_run.parents[2])


def test_another_name_and_another_pace(tiny_run: Path, folder: Path) -> None:
    """What does not enter the identity does not enter the results."""
    tiny(folder, "name=other", "training.log_every=3", "training.checkpoint_every=7")
    assert hashes(folder) == hashes(tiny_run.parents[2])


def test_after_another_run_in_the_same_process(whole: Path, folder: Path) -> None:
    other = ("model.layers=2", "training.steps=10", "decoding.prompts=3", "seed=1")
    ended = Forked(folder, *LONG, before=(*LONG, *other)).wait()
    assert ended.code == 0, ended.err
    assert ended.out.count("report: ") == 2
    assert hashes(folder) == hashes(whole)


def test_ctrl_c_in_training(whole: Path, folder: Path) -> None:
    ended = stopped(folder, signal.SIGINT, lambda _: reached(folder, 2 * EVERY)())
    assert_interrupted(ended)
    assert training(folder)[-1].step < STEPS
    again = Forked(folder, *LONG).wait()
    assert again.code == 0, again.err
    assert not again.err.startswith("training  0/"), "it went on from the checkpoint"
    assert_same(folder, whole)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_signals_stop_as_ctrl_c_does(folder: Path, name: str) -> None:
    number = getattr(signal, name)
    assert_interrupted(stopped(folder, number, lambda _: reached(folder, EVERY)()))
    assert not list((folder / "outputs").rglob("*.lock"))
    assert not list((folder / "outputs").rglob("*.tmp"))


def test_what_to_do_after_ctrl_c_with_force(folder: Path) -> None:
    """It would start over; without force the training goes on, and that is what is said."""
    running = Forked(folder, *LONG, "force=true")
    running.send(signal.SIGINT, reached(folder, 2 * EVERY))
    ended = running.wait()
    assert ended.code == 130
    assert ended.lines[-1] == (
        "nextchar: interrupted; with force=true the same command starts over; without it, it keeps "
        "what is finished and continues from the last checkpoint"
    )
    again = Forked(folder, *LONG).wait()
    assert again.code == 0, again.err
    assert not again.err.startswith("training  0/"), "it went on from the checkpoint"


def test_what_a_killed_writer_left_is_removed(folder: Path) -> None:
    """With the model it belongs to, and no other's: that may be at work."""
    assert stopped(folder, signal.SIGKILL, lambda _: reached(folder, EVERY)()).code < 0
    (run,) = (path for path in (folder / "outputs" / "runs").iterdir() if path.is_dir())
    other = folder / "outputs" / "models" / "other"
    other.mkdir()
    left = [model_folder(folder) / ".last.safetensors.1.tmp", run / ".config.yaml.1.tmp"]
    for path in (*left, other / ".last.safetensors.1.tmp"):
        path.touch()
    assert Forked(folder, *LONG).wait().code == 0
    found = list((folder / "outputs").rglob(".*.tmp"))
    assert found == [other / ".last.safetensors.1.tmp"]


def model_folder(folder: Path) -> Path:
    """Of the only model, finished or not."""
    return next((folder / "outputs" / "models").glob(f"*/{results.TRAINING}")).parent


def test_killed_in_training_again_and_again(whole: Path, folder: Path) -> None:
    """At moments drawn anew each time; a failure prints them."""
    dice = random.Random()
    for step in sorted(dice.sample(range(EVERY, STEPS - 30), k=3)):
        pause = dice.uniform(0, 0.02)
        print(f"killed {pause:.4f} s after the checkpoint at or after {step}")

        def later(_: Forked, step: int = step, pause: float = pause) -> bool:
            if not reached(folder, step)():
                return False
            time.sleep(pause)
            return True

        assert stopped(folder, signal.SIGKILL, later).code == -signal.SIGKILL
    ended = Forked(folder, *LONG).wait()
    assert ended.code == 0, ended.err
    assert_same(folder, whole)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_in_generation(whole: Path, folder: Path, how: signal.Signals) -> None:
    ended = stopped(folder, how, lambda running: "generating " in running.err)
    if how == signal.SIGINT:
        assert_interrupted(ended)
    else:
        assert ended.code == -how
    weights = model(folder) / "last.safetensors"
    before = weights.stat().st_mtime_ns
    again = Forked(folder, *LONG).wait()
    assert again.code == 0, again.err
    assert weights.stat().st_mtime_ns == before, "it was trained already"
    assert_same(folder, whole)


def test_every_step_is_logged_once(whole: Path) -> None:
    records = training(whole)
    assert [record.step for record in records] == list(range(EVERY, STEPS + 1, EVERY))
    assert [record.step for record in records if record.val_loss is not None] == [30, 60, 90, 120]


def test_a_checkpoint_between_two_rows(whole: Path, folder: Path) -> None:
    """The mean loss of a row is that of all its steps, also where a stop lay between them."""
    uneven = (*LONG, "training.log_every=30", "training.checkpoint_every=7")
    running = Forked(folder, *uneven)
    running.send(signal.SIGINT, lambda: bool(list(folder.glob("outputs/models/*/last.*"))))
    assert running.wait().code == 130
    assert Forked(folder, *uneven).wait().code == 0
    one = {record.step: record.val_loss for record in training(folder)}
    assert one == {record.step: record.val_loss for record in training(whole) if record.val_loss}
    means = [
        sum(record.train_loss for record in training(whole)[start : start + 6]) / 6
        for start in range(0, STEPS // EVERY, 6)
    ]
    assert [record.train_loss for record in training(folder)] == pytest.approx(means, rel=1e-5)
