"""docs/tutorial.md works as it is written: its files are saved, its commands and programs are run.

Only their size is changed: a smaller model, fewer steps and shorter texts.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sweep_jobs
from launching import Ended, Forked, environment

import nextchar
from nextchar import results

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
SMALLER = (
    "threads=1",
    "corpus.characters=4000",
    "model.layers=1",
    "model.width=16",
    "model.context=16",
    "training.steps=4",
    "training.evaluate_every=4",
    "training.log_every=4",
    "training.checkpoint_every=4",
    "decoding.prompt_length=8",
    "decoding.length=16",
    "metrics.resamples=20",
)
PROGRAM = f"""
import nextchar, nextchar.plots
nextchar.plots.draw_all = lambda run, folder: nextchar.plots.Drawn()
_run = nextchar.run
nextchar.run = lambda *overrides: _run(*overrides, *{SMALLER!r})
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: a file (python that begins with its name), a program, or commands."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        found = re.match(r"# (\w+\.py)\n", self.text)
        return found[1] if found and self.language == "python" else None


def blocks() -> list[Block]:
    page = PAGE.read_text(encoding="utf-8")
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", page, re.M | re.S)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader's folder after the whole tutorial; `said` holds what each block printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    said = []
    for block in blocks():
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
            continue
        for ended in (
            commands(block, folder) if block.language == "sh" else [program(block, folder)]
        ):
            assert ended.code == 0, f"{block.text}\n{ended.err}"
            said.append(ended.out)
    (folder / "said").write_text("\0".join(said), encoding="utf-8")
    return folder


def commands(block: Block, folder: Path) -> Iterator[Ended]:
    """Run each line of a block as a shell would."""
    for line in block.text.splitlines():
        name, *arguments = shlex.split(line)
        smaller = SMALLER if name == "nextchar-run" else ()
        if "model=bigram" in arguments:  # it has neither layers nor a width
            smaller = tuple(each for each in smaller if not each.startswith(("model.l", "model.w")))
        if "-m" in arguments:
            smaller += ("hydra.launcher.work=sweep_jobs:undrawn",)
        started = Forked(
            folder,
            *arguments,
            *smaller,
            program=name.removeprefix("nextchar-"),
            PYTHONPATH=str(Path(sweep_jobs.__file__).parent),
        )
        yield started.wait()


def program(block: Block, folder: Path) -> Ended:
    """Run a block of Python."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM + block.text],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def said(folder: Path) -> list[str]:
    return (folder / "said").read_text(encoding="utf-8").split("\0")


def runs_of(folder: Path, name: str) -> list[nextchar.Run]:
    found = sorted((folder / "outputs" / "runs").glob(f"{name}-*"))
    return [nextchar.read_run(each) for each in found if each.is_dir()]


def test_the_page_has_a_file_commands_and_programs() -> None:
    kinds = [(block.language, block.file) for block in blocks()]
    assert ("python", "my_sampler.py") in kinds
    assert ("python", None) in kinds
    assert {language for language, _ in kinds} == {"python", "sh"}
    file = next(block for block in blocks() if block.file)
    code = [line for line in file.text.partition("class ")[2].splitlines() if line.strip()]
    assert len(code) <= 20, "in twenty lines, as the title says"


def test_the_sampler_has_all_that_the_others_have(folder: Path) -> None:
    run = next(run for run in runs_of(folder, "smoke") if "top_p=0.9" in run.samplers)
    assert "cliff=0.2" in said(folder)[0]
    mine = {row.metric for row in run.metrics if row.sampler == "cliff=0.2"}
    theirs = {row.metric for row in run.metrics if row.sampler == "top_p=0.9"}
    assert mine == theirs
    assert {"epsilon_perplexity", "recall", "cut_mass"} <= mine
    assert {row.first for row in run.differences} | {row.second for row in run.differences} == {
        *("greedy", "temperature=1", "top_p=0.9", "cliff=0.2"),
    }
    assert run.manifest["without_exact_distribution"] == []
    (plugin,) = run.manifest["plugins"]
    assert plugin["name"] == "my_sampler"


def test_it_stands_on_either_side_of_another(folder: Path) -> None:
    assert ["temperature=0.7 cliff=0.2", "cliff=0.2 temperature=0.7", results.HUMAN] in [
        run.samplers for run in runs_of(folder, "smoke")
    ]


def test_its_parameter_makes_a_family_and_a_sweep(folder: Path) -> None:
    (run,) = runs_of(folder, "cliffs")
    assert "cliff" in {row.family for row in run.families}
    jobs = runs_of(folder, "cliff_sweep")
    assert sorted((run.config["seed"], run.samplers[0]) for run in jobs) == [
        *((0, "cliff=0.2"), (0, "cliff=0.5"), (1, "cliff=0.2"), (1, "cliff=0.5")),
    ]


def test_the_programs_print_what_they_promise(folder: Path) -> None:
    rows = next(text for text in said(folder) if text.startswith("temperature=1: "))
    distribution = next(text for text in said(folder) if text.startswith("tensor("))
    assert re.search(
        r"^cliff=0\.2: \d\.\d\d \[\d\.\d\d, \d\.\d\d\] bits per character$", rows, re.M
    )
    numbers = [float(each) for each in re.findall(r"\d\.\d+", distribution.splitlines()[0])]
    assert [number > 0 for number in numbers] == [True, True, False, False]
    assert distribution.splitlines()[1] == "cliff=0.2 temperature=0.7"


def test_metric_figure_and_model_are_in_the_runs(folder: Path) -> None:
    (run,) = runs_of(folder, "capitals")
    assert {row.sampler for row in run.metrics if row.metric == "capitals"} == {
        *("temperature=1", "cliff=0.2", results.HUMAN),
    }
    assert "capital" in next(text for text in said(folder) if "capital" in text)
    (run,) = runs_of(folder, "bits")
    # No figure is drawn in these runs; tests/plots/test_registry.py draws one of a plugin.
    assert [plugin["name"] for plugin in run.manifest["plugins"]] == ["my_plot"]
    (run,) = runs_of(folder, "bigram")
    assert run.config["model"]["spread"] == 0.1
