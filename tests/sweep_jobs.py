"""What jobs of the tests do, and the small sweep that they are part of."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from nextchar.config import Config
from nextchar.sweeps.job import compute
from nextchar.sweeps.jobs import Task

ROOT = Path(__file__).parent.parent
SMALL = (
    "experiment=smoke",
    "corpus=text_file",
    "threads=1",
    "device=cpu",
    "model.width=16",
    "model.layers=1",
    "training.steps=4",
    "training.evaluate_every=2",
    "training.checkpoint_every=1",
    "decoding.length=8",
    "decoding.prompts=3",
    "metrics.resamples=20",
)


def overrides(folder: Path) -> list[str]:
    """The small experiment on a text of its own, with its outputs in `folder`."""
    text = folder / "text.txt"
    if not text.exists():
        words = np.array(["king", "queen", "lord", "love", "war", "and", "the", "you"])
        lines = np.random.default_rng(0).choice(words, (400, 7))
        text.write_text("\n".join(" ".join(line) for line in lines), encoding="utf-8")
    return [*SMALL, f"corpus.path={text}", f"paths.outputs={folder / 'outputs'}"]


VIEW = (sys.executable, str(ROOT / "experiments/view.py"))


def program(folder: Path, *arguments: str) -> list[str]:
    """The command of a run or sweep of the small experiment."""
    flags = [argument for argument in arguments if argument.startswith("-")]
    others = [argument for argument in arguments if not argument.startswith("-")]
    return [sys.executable, str(ROOT / "experiments/run.py"), *flags, *overrides(folder), *others]


def environment() -> dict[str, str]:
    """With this folder to import jobs from, and one thread."""
    found = [str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, found)), "OMP_NUM_THREADS": "1"}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        program(folder, *arguments),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment(),
    )


def computed(folder: Path) -> Sequence[str]:
    """The runs that were computed, as often as they were: `counted` writes a line each."""
    book = folder / "outputs" / "computed.txt"
    return book.read_text().split() if book.exists() else []


def counted(task: Task) -> str:
    """The real work, and a line in a book at its end."""
    asked = task.asked
    name = compute(task)
    with Path(asked.paths.outputs, "computed.txt").open("a") as book:
        book.write(f"{name}\n")
    return name


def perilous(task: Task) -> str:
    """Seeds that end badly: 11 raises, 12 exits hard, 13 is killed, 14 asks for an exit."""
    asked = task.asked
    if asked.seed == 11:
        raise ZeroDivisionError("eleven")
    if asked.seed == 12:
        print("last words")
        sys.stdout.flush()
        os._exit(3)
    if asked.seed == 13:  # what the kernel does to a process when memory runs out
        os.kill(os.getpid(), signal.SIGKILL)
    if asked.seed == 14:
        sys.exit(4)
    return compute(task)


def nothing(task: Task) -> str:
    """A job that costs nothing: it leaves a finished run without figures."""
    asked = task.asked
    folder = Path(asked.paths.outputs) / "runs" / f"{asked.name}-{asked.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    header = "sampler,metric,value,low,high,n,unit\n"
    (folder / "metrics.csv").write_text(f"{header}greedy,loops,{asked.seed},0,1,1,share\n")
    model = '{"validation_loss": 1.5, "best_validation_loss": 1.5}'
    (folder / "manifest.json").write_text(
        f'{{"model_id": "none", "model": {model}, "code": {{"sha256": "none"}}}}'
    )
    (folder / "DONE").write_text("now\n")
    return folder.name


def slow(task: Task) -> str:
    """As `nothing`, after a while: long enough to be killed in."""
    time.sleep(0.3)
    return nothing(task)


def perilous_nothing(task: Task) -> str:
    """As `perilous`, the harmless seeds at no cost."""
    asked = task.asked
    return perilous(task) if asked.seed > 10 else nothing(task)


def booked(task: Task) -> str:
    """As `slow`, with a line in a book at its end."""
    asked = task.asked
    folder = Path(asked.paths.outputs)
    name = slow(task)
    with (folder / "computed.txt").open("a") as book:
        book.write(f"{asked.seed}\n")
    return name


def needs_a_file(task: Task) -> str:
    """Works when there is a file `needed` beside the text."""
    asked = task.asked
    assert asked.corpus.path is not None
    (Path(asked.corpus.path).parent / "needed").read_text()
    return nothing(task)


def first_then_forever(task: Task) -> str:
    """Seed 0 is done at once, the others say who they are and never end."""
    asked = task.asked
    if asked.seed > 0:
        Path(asked.paths.outputs, f"{asked.seed}.pid").write_text(str(os.getpid()))
        time.sleep(600)
    return nothing(task)


def loop() -> None:
    """Do the runs of a grid without any sweep: the folder and the grid are the arguments."""
    from hydra import compose, initialize_config_module

    from nextchar import config
    from nextchar.experiment.run import run_experiment

    folder, *grid = sys.argv[1:]
    names = [each.partition("=")[0] for each in grid]
    values = [re.split(r",(?![^[]*])", each.partition("=")[2]) for each in grid]
    config.register()
    for chosen in product(*values):
        settings = [f"{name}={value}" for name, value in zip(names, chosen, strict=True)]
        with initialize_config_module("nextchar.conf", version_base="1.3"):
            composed = compose("config", [*overrides(Path(folder)), *settings])
        run_experiment(config.resolve(composed), "by hand")


def keys(folder: Path, *settings: str) -> list[str]:
    """The keys of jobs, each of the small experiment with one more setting."""
    from hydra import compose, initialize_config_module

    from nextchar import config
    from nextchar.sweeps import jobs

    config.register()
    with initialize_config_module("nextchar.conf", version_base="1.3"):
        composed = [compose("config", [*overrides(folder), setting]) for setting in settings]
    return [jobs.key(config.resolve(each)) for each in composed]


def where(task: Task) -> str:
    """As `nothing`, in two seconds, with a note of the session of processes that it is done in."""
    asked = task.asked
    place = f"{os.getsid(0)}-{asked.seed}-{time.time_ns()}"
    book = Path(asked.paths.outputs).parent.parent / "book"  # of the scratch folder's owner
    (book / f"begun-{place}").touch()
    time.sleep(2)
    name = nothing(task)
    (book / f"ended-{place}").touch()
    return name


def _leave(asked: Config, name: str, loss: float, figures: dict[str, float]) -> str:
    """A finished run with these figures."""
    folder = Path(asked.paths.outputs) / "runs" / name
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f"sampler,{metric},{value},{value},{value},1,share" for metric, value in figures.items()
    ]
    lines = ["sampler,metric,value,low,high,n,unit", *rows]
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    model = {"validation_loss": loss, "best_validation_loss": loss}
    facts = {"model_id": "none", "model": model, "code": {"sha256": "none"}}
    (folder / "manifest.json").write_text(json.dumps(facts))
    (folder / "DONE").write_text("now\n")
    return name


def hill(task: Task) -> str:
    """A loss that is least at a learning rate of 0.03, and a line in a book."""
    asked = task.asked
    rate = asked.training.learning_rate
    time.sleep(0.3)
    name = _leave(asked, f"hill-{rate}", (math.log(rate) - math.log(0.03)) ** 2, {"loops": rate})
    with Path(asked.paths.outputs, "computed.txt").open("a") as book:
        book.write(f"{name}\n")
    return name


def trade_off(task: Task) -> str:
    """What is more varied has more unknown words."""
    asked = task.asked
    heat = asked.decoding.samplers[0]["temperature"] * asked.decoding.samplers[0]["top_p"]
    figures = {"unknown_words": heat**2, "distinct_2": heat}
    return _leave(asked, f"trade-{heat}", 1.0, figures)
