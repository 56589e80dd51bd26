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

from nextchar import plots, results
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


def counted(task: Task) -> None:
    """The real work, and a line in a book at its end."""
    compute(task)
    _note(task, task.key)


def undrawn(task: Task) -> None:
    """The real work but for the figures, which take most of a small job's time."""
    plots.draw_all = lambda subject, folder: plots.Drawn()
    compute(task)


def perilous(task: Task) -> None:
    """Seeds that end badly: 11 raises, 12 exits hard, 13 is killed, 14 calls sys.exit."""
    seed = task.config.seed
    if seed == 11:
        raise ZeroDivisionError("eleven")
    if seed == 12:
        print("last words")
        sys.stdout.flush()
        os._exit(3)
    if seed == 13:  # what the kernel does to a process when memory runs out
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == 14:
        sys.exit(4)
    compute(task)


def nothing(task: Task) -> None:
    """A job that costs nothing: it leaves a finished run with one metric, its seed."""
    _leave(task, 1.5, {"loops": task.config.seed})


def leaves_nothing(task: Task) -> None:
    """A job that ends well and leaves no run."""


def slow(task: Task) -> None:
    """As `nothing`, after a while: long enough to be killed in."""
    time.sleep(0.3)
    nothing(task)


def perilous_nothing(task: Task) -> None:
    """As `perilous`, the harmless seeds at no cost."""
    if task.config.seed > 10:
        perilous(task)
    else:
        nothing(task)


def keeps_the_page(task: Task) -> None:
    """As `nothing`; before it ends it keeps the sweep's page that says that it runs."""
    page = Path(task.config.paths.outputs, "sweeps", "smoke", "report.html")
    seen = ""
    for _ in range(3000):
        seen = page.read_text() if page.exists() else ""
        if "1 running" in seen:
            break
        time.sleep(0.02)
    Path(task.config.paths.outputs, f"{task.config.seed}.html").write_text(seen)
    nothing(task)


def booked(task: Task) -> None:
    """As `slow`, with a line in a book at its end."""
    slow(task)
    _note(task, str(task.config.seed))


def needs_a_file(task: Task) -> None:
    """Works when there is a file `needed` beside the text."""
    assert task.config.corpus.path is not None
    (Path(task.config.corpus.path).parent / "needed").read_text()
    nothing(task)


def first_then_forever(task: Task) -> None:
    """Seed 0 is done at once, the others say who they are and never end."""
    seed = task.config.seed
    if seed > 0:
        Path(task.config.paths.outputs, f"{seed}.pid").write_text(str(os.getpid()))
        time.sleep(600)
    nothing(task)


def where(task: Task) -> None:
    """As `nothing`, in two seconds, with a note of the session of processes that it is done in."""
    place = f"{os.getsid(0)}-{task.config.seed}-{time.time_ns()}"
    book = Path(task.config.paths.outputs).parent.parent / "book"  # of the scratch folder's owner
    (book / f"begun-{place}").touch()
    time.sleep(2)
    nothing(task)
    (book / f"ended-{place}").touch()


def hill(task: Task) -> None:
    """A loss that is least at a learning rate of 0.03, and a line in a book."""
    rate = task.config.training.learning_rate
    time.sleep(0.3)
    _leave(task, (math.log(rate) - math.log(0.03)) ** 2, {"loops": rate})
    _note(task, f"hill-{rate}")


def trade_off(task: Task) -> None:
    """What is more varied has more unknown words."""
    sampler = task.config.decoding.samplers[0]
    heat = sampler["temperature"] * sampler["top_p"]
    _leave(task, 1.0, {"unknown_words": heat**2, "distinct_2": heat})


def _note(task: Task, line: str) -> None:
    with Path(task.config.paths.outputs, "computed.txt").open("a") as book:
        book.write(f"{line}\n")


def _leave(task: Task, loss: float, figures: dict[str, float]) -> None:
    """A finished run of this task, with these figures."""
    folder = Path(task.config.paths.outputs) / "runs" / task.key
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f"sampler,{metric},{value},{value},{value},1,share" for metric, value in figures.items()
    ]
    lines = ["sampler,metric,value,low,high,n,unit", *rows]
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    model = {"validation_loss": loss, "best_validation_loss": loss}
    facts = {"model_id": "none", "model": model, "code": {"sha256": "none"}}
    (folder / "manifest.json").write_text(json.dumps(facts))
    results.seal(folder)


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
