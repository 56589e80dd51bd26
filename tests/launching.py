"""The programs in processes of their own, as a shell would start them.

`real` is a real start, imports and all. `Forked` is the same program forked off a process
that has imported torch already, and it draws no pictures: seconds cheaper, and otherwise the same
(its own pid, signals, streams, folder and exit code).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

PATIENCE = 120.0
"""Seconds after which a program that should have ended is a failure."""

TINY = (
    "experiment=smoke",
    "name=tiny",
    "corpus=text_file",
    "corpus.path=play.txt",
    "threads=1",
    "model.layers=1",
    "model.width=16",
    "model.context=16",
    "training.steps=12",
    "training.evaluate_every=6",
    "training.log_every=2",
    "training.checkpoint_every=4",
    "decoding.prompts=4",
    "decoding.prompt_length=8",
    "decoding.length=16",
    "metrics.resamples=20",
    "decoding.samplers=[greedy,{temperature: 0.7, top_p: 0.9}]",
)
"""A whole run in well under a second of computing; `play.txt` lies in the working folder."""

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "nextchar.experiment.run",
        "nextchar.report.terminal",
        "nextchar.sweeps.live",
        "nextchar.sweeps.summarize",
        "torch.utils.tensorboard",
        "nextchar.cli",
        "nextchar.runtime.frozen",
    ]
)


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What stands on standard error."""
        return self.err.splitlines()


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would steer the programs, and with `changes`."""
    steering = ("NEXTCHAR_", "HYDRA_", "FORCE_COLOR", "NO_COLOR", "PYTHONWARNINGS", "COLUMNS")
    steering += ("PYTHONDONTWRITEBYTECODE",)  # each start would compile the library again
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return kept | {"OMP_NUM_THREADS": "1", "no_proxy": "*", "BROWSER": "true"} | changes


def real(folder: Path, *command: str, **env: str) -> Ended:
    """A program started for real and waited for: `real(folder, "run", "--help")`."""
    code = "import sys; from nextchar import cli; getattr(cli, sys.argv.pop(1))()"
    ended = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=folder,
        env=environment(**env),
        capture_output=True,
        encoding="utf-8",
        errors="replace",  # a console may have another encoding
        timeout=PATIENCE,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


class LostError(Exception):
    """The server that forks programs has ended itself: how they ended is not known."""


class Forked:
    """A program (`run` or `view`) with these arguments, running in `folder`.

    `before` are the arguments of a run that the same process makes first; with `draws` it draws
    its figures.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        program: str = "run",
        before: tuple[str, ...] = (),
        draws: bool = False,
        **env: str,
    ) -> None:
        self._streams = [folder / f".{stream}" for stream in ("out", "err")]
        for path in self._streams:
            path.touch()  # it may be killed before it says a word
        self._process: ForkServerProcess = _CONTEXT.Process(
            target=_program,
            args=(folder, program, before, arguments, environment(**env), self._streams, draws),
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process.pid is not None
        return self._process.pid

    def send(self, signal: int, when: Callable[[], bool]) -> None:
        """Send a signal as soon as something holds; fails when the program ends before."""
        until = time.monotonic() + PATIENCE
        while not when():
            assert self._process.is_alive(), self.err
            assert time.monotonic() < until, self.err
            time.sleep(0.0005)
        os.kill(self.pid, signal)

    def kill(self) -> None:
        """SIGKILL, if it still runs, and wait for the end."""
        self._process.kill()
        self.wait()

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self._streams[1].read_text(encoding="utf-8")

    def wait(self) -> Ended:
        """Wait for the end. Raises LostError where it can't be known."""
        self._process.join(PATIENCE)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
        assert code is not None, f"still running after {PATIENCE} s: {self.err}"
        if code == 255:  # what multiprocessing says then
            raise LostError(self.err)
        out, err = (path.read_text(encoding="utf-8") for path in self._streams)
        for path in self._streams:
            path.unlink()
        return Ended(code, out, err)


def run(folder: Path, *arguments: str, **env: str) -> Ended:
    """`nextchar-run` in `folder`, forked and waited for."""
    return Forked(folder, *arguments, **env).wait()


def tiny(folder: Path, *overrides: str, **env: str) -> Ended:
    """A tiny run in `folder`, which must succeed."""
    ended = run(folder, *TINY, *overrides, **env)
    assert ended.code == 0, ended.err
    return ended


def _program(
    folder: Path,
    program: str,
    before: tuple[str, ...],
    arguments: tuple[str, ...],
    env: Mapping[str, str],
    streams: list[Path],
    draws: bool,
) -> None:
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would be ignored
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for descriptor, path in enumerate(streams, start=1):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, descriptor)
        os.close(opened)
    from nextchar import cli, plots

    if not draws:
        plots.draw_all = lambda subject, folder: plots.Drawn()
    for each in filter(None, (before, arguments or ("",))):
        sys.argv = [f"nextchar-{program}", *filter(None, each)]
        getattr(cli, program)()
