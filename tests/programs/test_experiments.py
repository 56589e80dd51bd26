"""The programs in experiments/: each explains itself, and refuses what it does not know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from launching import environment

PROGRAMS = sorted((Path(__file__).parents[2] / "experiments").glob("*.py"))
START = """
import runpy, sys
program = sys.argv.pop(1)
sys.argv[0] = program
sys.path.insert(0, program.rpartition("/")[0])
try:
    runpy.run_path(program, run_name="__main__")
finally:
    print("torch" in sys.modules)
"""


def started(program: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START, str(program), *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_help_is_quick_and_does_nothing(program: Path, tmp_path: Path) -> None:
    ended = started(program, tmp_path, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    *text, torch = ended.stdout.splitlines()
    assert len(text) > 3
    assert torch == "False" or program.stem in ("benchmark", "scaling"), "they need it for options"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_what_it_does_not_know_is_refused(program: Path, tmp_path: Path) -> None:
    ended = started(program, tmp_path, "--nonsense")
    assert ended.returncode == 2
    assert "error: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_findings_without_runs_are_one_line(tmp_path: Path) -> None:
    (program,) = (path for path in PROGRAMS if path.stem == "findings")
    ended = started(program, tmp_path, "nowhere")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("nextchar: OUTPUTS=nowhere: no finished run called families ")
