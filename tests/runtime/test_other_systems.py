"""What Windows and macOS lack is not needed, as far as this can be seen on Linux."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sweep_jobs
from launching import PATIENCE, TINY, environment

from nextchar import results
from nextchar.config import Config
from nextchar.results.sweep import FAILED, FINISHED
from nextchar.sweeps import processes
from nextchar.sweeps.jobs import Task

SAME = (results.METRICS, results.SAMPLES, results.DIFFERENCES, results.SUMS)


def test_a_run_as_on_windows(folder: Path, tiny_run: Path) -> None:
    """It is stopped and goes on, is shown, is found without `latest`, and has the same bytes."""
    short = [*TINY, "training.steps=8", "training.checkpoint_every=2", "name=short"]
    commands = ["run", *TINY, "then", "run", *TINY, "then", "run", *short, "then", "view", "short"]
    ended = subprocess.run(
        [
            sys.executable,
            "-X",
            "warn_default_encoding",
            str(Path(__file__).with_name("as_on_windows.py")),
            *commands,
            "then",
            "view",
        ],
        cwd=folder,
        env=environment(PYTHONIOENCODING="cp1252"),
        capture_output=True,
        encoding="cp1252",
        timeout=4 * PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "outputs/latest stays as it is" in ended.stderr
    assert "finished on " in ended.stderr, "shown at the second time"
    own = folder / "outputs" / "runs" / tiny_run.name
    for name in SAME:
        assert (own / name).read_bytes() == (tiny_run / name).read_bytes()
    *_, named, newest = ended.stdout.split("> view\n")
    assert named == newest == f"{next(own.parent.glob('short-*')).resolve() / results.REPORT}\n"
    assert "\\" not in (own / results.DONE).read_text(encoding="utf-8")


def test_jobs_of_a_sweep_are_spawned_elsewhere(
    folder: Path, compose: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows and macOS have no fork that can be used."""
    config = compose(*TINY, f"corpus.path={folder / 'play.txt'}", f"paths.outputs={folder / 'o'}")
    monkeypatch.setattr(processes, "_context", lambda: multiprocessing.get_context("spawn"))
    for work, state in (("sweep_jobs:nothing", FINISHED), ("sweep_jobs:none", FAILED)):
        task = Task("key", config, "command", folder / "log", work)
        ended = processes.run_one(task)
        assert ended.state == state, ended
    assert sweep_jobs.results.read_json(folder / "o" / "runs" / "key" / results.MANIFEST)


def test_other_systems_spawn(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform, method in (("linux", "forkserver"), ("win32", "spawn"), ("darwin", "spawn")):
        monkeypatch.setattr(processes.sys, "platform", platform)
        assert processes._context().get_start_method() == method
