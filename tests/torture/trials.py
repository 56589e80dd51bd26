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
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import fields
from pathlib import Path

from launching import TINY, Ended, Forked, real, run

from nextchar import config, results
from nextchar.config import PARTS, Config
from nextchar.programs import viewing
from nextchar.training import trainer
from torture import environments as unusual
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
    commands = {"run": TINY, "run with figures": TINY, "sweep": SWEEP}
    often = {"run": 5, "run with figures": 1, "sweep": 3}
    known: dict[str, tuple[float, dict[str, bytes]]] = {}
    one_at_a_time = threading.Lock()

    def start(name: str, folder: Path) -> Forked:
        return Forked(folder, *commands[name], draws=name == "run with figures")

    def undisturbed(name: str) -> tuple[float, dict[str, bytes]]:
        """How long the command takes, and what comes out."""
        with one_at_a_time:
            if name not in known:
                clock = time.perf_counter()
                folder = copy(base, base.parent / f"whole-{name}", without="outputs")
                assert start(name, folder).wait().code == 0
                known[name] = time.perf_counter() - clock, contents(folder, SAME)
            return known[name]

    def trial(number: int) -> str:
        dice = random.Random(f"kill {number}")
        (name,) = dice.choices(list(often), list(often.values()))
        takes, whole = undisturbed(name)
        with _room(base, without="outputs") as folder:
            for _ in range(3):
                running = start(name, folder)
                time.sleep(dice.uniform(0, takes))
                jobs = _children(_children([running.pid]))
                if jobs and dice.random() < 0.5:  # those of a sweep's own server of processes
                    with suppress(ProcessLookupError):
                        os.kill(dice.choice(jobs), signal.SIGKILL)
                    if "Traceback" in running.wait().err:
                        return f"{name}: a traceback after a job was killed"
                else:
                    running.kill()
            ended = start(name, folder).wait()
            if ended.code != 0:
                return f"{name}: exit code {ended.code}: {ended.err[-300:]}"
            return "" if contents(folder, SAME) == whole else f"{name}: other bytes"

    return trial


def _children(parents: Collection[int]) -> list[int]:
    """The processes that these have started and that are there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            parent = path.read_text(errors="replace").rpartition(")")[2].split()[1]
            if int(parent) in parents:
                found.append(int(path.parent.name))
    return found


def stopped(folder: Path) -> Path:
    """The working folder `folder` with a LONG training that was killed after a best step."""
    running = Forked(folder, *LONG)

    def after_a_best() -> bool:
        logs = list(folder.glob(f"outputs/models/*/{results.TRAINING}"))
        return bool(logs) and results.read_training(logs[0])[-1].step >= 40

    running.send(signal.SIGKILL, after_a_best)
    assert running.wait().code == -signal.SIGKILL
    return folder


OF_TRAINING = (trainer.LAST, results.HISTORY, trainer.BEST)
"""What a stopped training goes on from."""


def mutations(base: Path) -> Trial:
    """One file of a run (finished or not), its model or a sweep is changed; the command repeated.

    The list of runs is shown before, of which no damage may make a traceback.
    """
    swept = copy(base, base.parent / "swept", without="outputs")
    assert run(swept, *SWEEP).code == 0
    killed = stopped(copy(base, base.parent / "killed", without="outputs"))
    went_on = copy(killed, base.parent / "went-on")
    assert run(went_on, *LONG).code == 0
    sources = {"run": (base, TINY), "sweep": (swept, SWEEP), "stopped": (killed, LONG)}
    wholes = {name: contents(folder, SAME) for name, (folder, _) in sources.items()}
    wholes["stopped"] = contents(went_on, SAME)

    def trial(number: int) -> str:
        dice = random.Random(f"mutation {number}")
        (which,) = dice.choices(list(sources), [7, 2, 1])  # a sweep takes longest
        (source, command), before = sources[which], wholes[which]
        with _room(source) as folder:
            found = sorted(path for path in (folder / "outputs").rglob("*") if path.is_file())
            read = [
                path for path in found if results.LABML not in path.parts and path.stat().st_size
            ]
            damaged, how = dice.choice(read), dice.choice(sorted(MUTATIONS))
            if "models" in damaged.parts and which != "stopped":
                shutil.rmtree(folder / "outputs" / "runs")  # a new comparison needs the model
            mutate(damaged, how, number)
            list(viewing.listed(folder / "outputs"))
            ended = run(folder, *command)
            verdict = _verdict(folder, which, damaged, how, ended, before)
            return verdict and f"{which}, {damaged.relative_to(folder)}, {how}: {verdict}"

    return trial


def _verdict(
    folder: Path, which: str, damaged: Path, how: str, ended: Ended, before: dict[str, bytes]
) -> str:
    """What is wrong with how the command ended after the damage; empty where it did well."""
    parts, after = damaged.relative_to(folder).parts, contents(folder, SAME)
    anew = "sweeps" in parts and "jobs" not in parts and damaged.suffix != ".json"
    unread = which == "stopped" and damaged.name not in OF_TRAINING
    if which == "sweep" and "runs" in parts and ended.code == 0:
        others = {name: before[name] for name in before if name != "/".join(parts)}
        known = results.damage(folder.joinpath(*parts[:3]))
        if others.items() <= after.items() and [each.path for each in known] == [damaged]:
            return ""  # what a sweep does not read stays damaged, and is refused when read
    if how == "gone" or anew or unread or damaged.suffix in (".lock", ".log"):  # as if it were new
        if "Traceback" in ended.err or ended.code not in (0, 2):
            return f"exit code {ended.code}: {ended.err[-300:]}"
        return "" if after == before else "other bytes"
    logs = "".join(each.read_text() for each in sorted((folder / "outputs").rglob("*.log")))
    heard = Ended(ended.code, ended.out, logs + ended.err)  # a job says it in its log
    return wrong(heard, damaged, before, after)


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


OPTIONS = {
    "view": ["--figure", "--format", "--width", "--output", "--nothing", ""],
    "sample": ["--samples", "--length", "--seed", "--sampler", "--file", "--prompt", "--nothing"],
    "reproduce": ["--from-archive", "--text", "--output", "--archive", "--nothing"],
    "play": ["--nothing", ""],
}
"""Of the other programs, which meet a finished run; an empty one is the name of a run."""


def command_lines(base: Path) -> Trial:
    """A key or an option with an impossible value, or no such one: one line and exit code 2, after
    the usage where the parser of options says it; or a run."""
    keys = [f"{part}.{each.name}" for part, kind in PARTS.items() for each in fields(kind)]
    keys += [each.name for each in fields(Config)] + ["traning.steps", "nothing", "@x", ""]

    def trial(number: int) -> str:
        dice = random.Random(f"command {number}")
        program = dice.choice(sorted(OPTIONS)) if number % 4 == 0 else "run"
        key, value = dice.choice(OPTIONS.get(program, keys)), dice.choice(BAD)
        arguments = [*TINY, f"{key}={value}"]
        if program != "run":
            arguments = [f"{key}={value}" if key else f"./{value}"]
        with _room(base, without="outputs" if program == "run" else None) as folder:
            ended = Forked(folder, *arguments, program=program).wait()
            lines = [line for line in ended.lines if not line.startswith(("usage: ", "  "))]
            said = f"{program} {arguments[-1]}: "
            if "Traceback" in ended.err:
                return f"{said}a traceback"
            if ended.code and len(lines) != 1:
                return f"{said}{len(lines)} lines: {ended.err[-300:]}"
            known = (0, 2) if program == "run" else (0, 1, 2)  # 1: no such place to write
            return "" if ended.code in known else f"{said}exit code {ended.code}"

    return trial


def environments(base: Path) -> Trial:
    """A real start in an unusual environment: the same bytes as in the usual one."""
    whole = contents(base, SAME)
    alone = unusual.possible()

    def trial(number: int) -> str:
        dice = random.Random(f"environment {number}")
        one = alone[number : number + 1]
        chosen = one or dice.sample(unusual.TOGETHER, 2 + number % 3)
        words = " and ".join(each.words for each in chosen)
        with _room(base, without="outputs") as folder:
            ended = unusual.start(folder, chosen, "run", *TINY)
            place = folder / chosen[0].place
            if "Traceback" in ended.err:
                return f"{words}: a traceback: {ended.err[-300:]}"
            if not chosen[0].may_fail and ended.code != 0:
                return f"{words}: exit code {ended.code}: {ended.err[-300:]}"
            said = [line for line in ended.lines if line.startswith("nextchar: ")]
            if ended.code not in (0, 1, 2) or (ended.code and len(said) != 1):
                return f"{words}: exit code {ended.code}: {ended.err[-300:]}"
            if ended.code and (again := real(place, "run", *TINY)).code != 0:
                return f"{words}: not afterwards either: {again.err[-300:]}"
            return "" if contents(place, SAME) == whole else f"{words}: other bytes"

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
