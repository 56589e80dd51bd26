"""What is done to the program, by the kind: each trial says what went wrong, or nothing.

Every trial is made of a number, so that a failed one can be repeated alone.
"""

from __future__ import annotations

import gc
import io
import os
import random
import resource
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import fields
from pathlib import Path

from launching import TINY, Ended, Forked, real, run

from nextchar import config, results
from nextchar.config import PARTS, Config
from torture.mutations import MUTATIONS, mutate
from torture.verdict import contents, wrong

SAME = (results.METRICS, results.SAMPLES, results.DIFFERENCES, results.SUMS, "*.safetensors")
"""What has no times in it, so that making it again gives the same bytes."""
SWEEP = ("-m", *TINY, "seed=0,1", "name=swept")
LONG = (*TINY, "training.steps=120", "training.checkpoint_every=5", "training.evaluate_every=30")
"""A training that can be stopped in the middle."""
Trial = Callable[[int], str]
"""Does one thing, chosen by a number; returns what went wrong, or an empty text."""


def kills(base: Path) -> Trial:
    """SIGKILL at any moment of a run or sweep; the command repeated ends in the same bytes."""
    commands = {"run": TINY, "sweep": SWEEP}
    whole, takes = {}, {}
    for name, command in commands.items():
        clock = time.perf_counter()
        folder = copy(base, base.parent / f"whole-{name}", without="outputs")
        assert run(folder, *command).code == 0
        takes[name] = time.perf_counter() - clock
        whole[name] = contents(folder, SAME)

    def trial(number: int) -> str:
        dice = random.Random(f"kill {number}")
        name = dice.choice(sorted(commands))
        with _room(base, without="outputs") as folder:
            for _ in range(3):
                running = Forked(folder, *commands[name])
                time.sleep(dice.uniform(0, takes[name]))
                running.kill()
            ended = run(folder, *commands[name])
            if ended.code != 0:
                return f"{name}: exit code {ended.code}: {ended.err[-300:]}"
            return "" if contents(folder, SAME) == whole[name] else f"{name}: other bytes"

    return trial


def stopped(folder: Path) -> Path:
    """The working folder `folder` with a LONG training that was killed after a best step."""
    running = Forked(folder, *LONG)

    def after_a_best() -> bool:
        logs = list(folder.glob(f"outputs/models/*/{results.TRAINING}"))
        return bool(logs) and results.read_training(logs[0])[-1].step >= 40

    running.send(signal.SIGKILL, after_a_best)
    assert running.wait().code == -signal.SIGKILL
    return folder


def mutations(base: Path) -> Trial:
    """One file of a finished run, its model or a sweep is changed, and the command repeated."""
    finished = {"run": (base, TINY)}
    swept = copy(base, base.parent / "swept", without="outputs")
    assert run(swept, *SWEEP).code == 0
    finished["sweep"] = (swept, SWEEP)

    def trial(number: int) -> str:
        dice = random.Random(f"mutation {number}")
        which = dice.choice(sorted(finished))
        source, command = finished[which]
        with _room(source) as folder:
            before = contents(folder, SAME)
            found = sorted(path for path in (folder / "outputs").rglob("*") if path.is_file())
            read = [
                path for path in found if results.LABML not in path.parts and path.stat().st_size
            ]
            damaged, how = dice.choice(read), dice.choice(sorted(MUTATIONS))
            if "models" in damaged.parts:
                shutil.rmtree(folder / "outputs" / "runs")  # a new comparison needs the model
            mutate(damaged, how, number)
            ended = run(folder, *command)
            said = f"{damaged.relative_to(folder)} {how}: "
            parts = damaged.relative_to(folder).parts
            anew = "sweeps" in parts and "jobs" not in parts and damaged.suffix != ".json"
            if how == "gone" or anew or damaged.suffix in (".lock", ".log"):  # as if it were new
                same = contents(folder, SAME) == before
                return "" if ended.code in (0, 2) and same else f"{said}exit code {ended.code}"
            logs = "".join(each.read_text() for each in sorted((folder / "outputs").rglob("*.log")))
            heard = Ended(ended.code, ended.out, logs + ended.err)  # a job says it in its log
            after = contents(folder, SAME)
            if which == "sweep" and "runs" in damaged.parts and ended.code == 0:
                place = str(damaged.relative_to(folder))
                unread = {name: before[name] for name in before if name != place}
                known = results.damage(damaged.parents[len(parts) - 4])
                if unread.items() <= after.items() and [each.path for each in known] == [damaged]:
                    return ""  # what a sweep does not read stays damaged, and is refused when read
            verdict = wrong(heard, damaged, before, after)
            return verdict and f"{said}{verdict}"

    return trial


BAD = ["", "nan", ".inf", "-1", "1e400", "x", "[1", "{}", "{a: 1}", "[]", "[null]", "null", "true"]
BAD += [
    "'$HOME'",
    "'\\x00'",
    "1e12",
    "-0.0",
    "0",
    '"a\\nb"',
    "\u202e",
    "${oc.env:HOME}",
    "???",
    "~",
]


def command_lines(base: Path) -> Trial:
    """A key with an impossible value, or no such key: one line and exit code 2, or a run."""
    keys = [f"{part}.{each.name}" for part, kind in PARTS.items() for each in fields(kind)]
    keys += [each.name for each in fields(Config)] + ["traning.steps", "nothing", "@x", ""]

    def trial(number: int) -> str:
        dice = random.Random(f"command {number}")
        key, value = dice.choice(keys), dice.choice(BAD)
        with _room(base, without="outputs") as folder:
            ended = run(folder, *TINY, f"{key}={value}")
            said = f"{key}={value}: "
            if "Traceback" in ended.err:
                return f"{said}a traceback"
            if ended.code == 2 and len(ended.lines) != 1:
                return f"{said}{len(ended.lines)} lines"
            return "" if ended.code in (0, 2) else f"{said}exit code {ended.code}"

    return trial


CHANGES = [
    {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    {"MPLBACKEND": "TkAgg"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252"},
    {"TERM": ""},
    {"TERM": "dumb"},
    {"HOME": "/nonexistent"},
    {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"},
    {"COLUMNS": "10"},
    {"COLUMNS": "x"},
    {"NO_COLOR": "1"},
    {"FORCE_COLOR": "1"},
    {"PYTHONHASHSEED": "1"},
    {"TZ": "Pacific/Kiritimati"},
    {"GIT_DIR": "/nonexistent"},
    {"PATH": ""},
    {"TMPDIR": "/nonexistent"},
    {"PYTHONDONTWRITEBYTECODE": "1"},
    {"MPLCONFIGDIR": "/nonexistent"},
]


def environments(base: Path) -> Trial:
    """A real start in an unusual environment: the same bytes as in the usual one."""
    whole = contents(base, SAME)

    def trial(number: int) -> str:
        dice = random.Random(f"environment {number}")
        chosen = dice.sample(CHANGES, 1 + number % 3)
        changes = {name: value for each in chosen for name, value in each.items()}
        with _room(base, without="outputs") as folder:
            ended: Ended = real(folder, "run", *TINY, **changes)
            if ended.code != 0 or "Traceback" in ended.err:
                return f"{changes}: exit code {ended.code}: {ended.err[-300:]}"
            return "" if contents(folder, SAME) == whole else f"{changes}: other bytes"

    return trial


def soak(base: Path, runs: int) -> Iterator[tuple[int, str]]:
    """Tiny runs in this one process: after the first tenth nothing may grow.

    Yields after each tenth how many were made, and what grew.
    """
    from nextchar import plots
    from nextchar.experiment.run import run_experiment

    plots.draw_all = lambda subject, folder: plots.Drawn()
    with _room(base, without="outputs") as folder:
        os.chdir(folder)
        config.register()
        composed = [config.compose(*TINY, "training.steps=2", f"seed={n}") for n in range(10)]
        at_first: tuple[float, int, int] | None = None
        for number in range(runs):
            with redirect_stderr(io.StringIO()):  # two thousand times the same progress
                run_experiment(composed[number % 10], "soak")
            shutil.rmtree(folder / "outputs")
            if (number + 1) % max(1, runs // 10) == 0:
                gc.collect()
                now = (
                    _resident(),
                    threading.active_count(),
                    len(list(Path("/proc/self/fd").iterdir())),
                )
                at_first = at_first or now
                grown = [
                    f"{name} from {before} to {after}"
                    for name, before, after, room in zip(
                        ("memory", "threads", "files"), at_first, now, (1.2, 1, 1), strict=True
                    )
                    if after > before * room
                ]
                yield number + 1, ", ".join(grown)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@contextmanager
def _room(source: Path, without: str | None = None) -> Iterator[Path]:
    """A working folder, a copy of another one, that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="torture-") as holder:
        yield copy(source, Path(holder) / "here", without)


def copy(source: Path, target: Path, without: str | None = None) -> Path:
    ignored = shutil.ignore_patterns(without) if without else None
    shutil.copytree(source, target, symlinks=True, ignore=ignored)
    return target
