"""A second process draws the same figures to the same bytes, and never stays alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
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
        until = time.monotonic() + PATIENCE
        while not (two / "loss_curves.png").exists() and time.monotonic() < until:
            time.sleep(0.01)
        return registry.draw_figure(name, run, folder)

    monkeypatch.setattr("nextchar.plots.beside.draw_figure", after_the_other)
    with Beside() as beside:
        process = beside.start()
        together = beside.draw_all(run, two)
        assert beside.start() is process
    assert process.returncode is not None
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
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Beside() as beside:
        beside.start().kill()
        drawn = beside.draw_all(run, tmp_path)
    assert {"loss_curves", "metrics"} <= {plot.name for plot in drawn.plots}
    said = capfd.readouterr().err
    assert said.startswith("note: the second process that draws ended with exit code -9; this one")
    assert said.count("\n") == 1


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = "import time; from nextchar.plots.beside import Beside; "
    code += "print(Beside().start().pid, flush=True); time.sleep(600)"
    started = subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    other = int(started.stdout.readline())
    os.kill(other, 0)  # it is there
    started.kill()
    started.communicate()
    until = time.monotonic() + PATIENCE
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < until:
            os.kill(other, 0)
            time.sleep(0.05)


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
    ended = running.wait()
    assert ended.code == 130
    assert ended.lines[-1].startswith("nextchar: interrupted")
    assert "Traceback" not in ended.err
