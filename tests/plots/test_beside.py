"""A second process draws the same figures to the same bytes, and never stays alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from launching import PATIENCE, TINY, Forked, environment

from nextchar import results
from nextchar.plots import Drawn, draw_all, figure, new_figure, registry
from nextchar.plots.beside import Beside
from nextchar.results import Run


@pytest.fixture
def run(tiny_run: Path) -> Run:
    return results.read_run(tiny_run)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def wait_until(holds: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)


def test_two_processes_draw_what_one_draws(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    figure("mine", "c", "a", order=1)(lambda run: new_figure(1, 1))
    figure("broken", "c", "a")(lambda run: 1 / 0)  # type: ignore[arg-type,return-value]
    one, two = tmp_path / "one", tmp_path / "two"
    alone = draw_all(run, one)
    here = []

    def after_the_other(name: str, run: Run, folder: Path) -> Drawn:
        """This process begins when the other one has drawn its first figure."""
        here.append(name)
        wait_until((two / "loss_curves.png").exists)
        return registry.draw_figure(name, run, folder)

    monkeypatch.setattr("nextchar.plots.beside.draw_figure", after_the_other)
    with Beside() as beside:
        together = beside.draw_all(run, two)
    assert contents(one) == contents(two)
    assert [plot.name for plot in together.plots] == [plot.name for plot in alone.plots]
    assert [plot.alt for plot in together.plots] == [plot.alt for plot in alone.plots]
    assert {plot.png.parent for plot in together.plots} == {two}
    assert together.plots[0].name == "mine"
    assert together.warnings == alone.warnings
    assert capfd.readouterr().err.count("the figure broken could not be drawn") == 2
    assert {"mine", "broken"} < set(here)
    assert "loss_curves" not in here


def test_when_the_other_ends_this_one_draws_all(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It ends with its first figure, as it finds no run; before, its modules print."""
    (tmp_path / "sitecustomize.py").write_text("print('Hello')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)  # a Path, which Python does without
    drawn_here = registry.draw_figure

    def after_the_other(name: str, _: Run, folder: Path) -> Drawn:
        wait_until(said)
        return drawn_here(name, run, folder)

    heard = []

    def said() -> str:
        heard.append(capfd.readouterr().err)
        return "".join(heard)

    monkeypatch.setattr("nextchar.plots.beside.draw_figure", after_the_other)
    with Beside() as beside:
        drawn = beside.draw_all(replace(run, folder=tmp_path / "gone"), tmp_path / "plots")
    assert {"loss_curves", "metrics"} <= {plot.name for plot in drawn.plots}
    why, what = said().splitlines()
    assert why.startswith("note: the second process that draws: FileNotFoundError: ")
    (first, *_) = registry.names(own=True)
    assert what == f"note: the second process that draws ended; {first}: drawn here"


@pytest.mark.parametrize("executable", ["", "/nowhere/python"])
def test_where_none_can_start_this_one_draws_all(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    executable: str,
) -> None:
    monkeypatch.setattr("nextchar.plots.beside.draw_figure", lambda name, *_: Drawn([], [name]))
    monkeypatch.setattr(sys, "executable", executable)
    with Beside() as beside:
        assert beside.draw_all(run, tmp_path).warnings == registry.names()
    assert capfd.readouterr().err.startswith("note: no second process" if executable else "warning")


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = "import time; from nextchar.plots.beside import Beside; "
    code += "other = Beside(); other.start(); print(other._process.pid, flush=True); "
    code += "time.sleep(600)"
    started = subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    other = int(started.stdout.readline())
    os.kill(other, 0)  # it is there
    started.kill()
    started.communicate()
    assert_ends(other)


def assert_ends(process: int) -> None:
    with pytest.raises(ProcessLookupError):
        wait_until(lambda: os.kill(process, 0))


def test_a_run_with_two_threads_draws_in_two_processes(folder: Path) -> None:
    ended = Forked(folder, *TINY, "threads=2", draws=True).wait()
    assert ended.code == 0, ended.err
    assert "note" not in ended.err
    drawn = {path.stem for path in (folder / "outputs" / "latest" / "plots").iterdir()}
    assert {"loss_curves", "metrics", "quality_diversity"} <= drawn


def test_ctrl_c_ends_both(folder: Path) -> None:
    running = Forked(folder, *TINY, "threads=2", "training.steps=20000", draws=True)
    models = folder / "outputs" / "models"
    running.send(signal.SIGINT, lambda: any(models.glob("*/training.csv")))
    (other,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    ended = running.wait()
    assert ended.code == 130
    assert ended.lines[-1].startswith("nextchar: interrupted")
    assert "Traceback" not in ended.err
    assert_ends(int(other))
