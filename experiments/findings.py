"""Write docs/findings.md from three finished runs: python experiments/findings.py [OUTPUTS]

The runs are those of the commands in docs/findings.md. Each sentence is checked against the figures
of its run; a sentence that they do not support is an error.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nextchar.api import outputs
from nextchar.cli import exit_on_error
from nextchar.config import ConfigError

if TYPE_CHECKING:
    from nextchar.results import Run

PAGE = Path(__file__).parent.parent / "docs" / "findings.md"
COMMAND = "python experiments/run.py"
TITLE = "Findings"
NOTE = """\
Written by `python experiments/findings.py` from the runs of the commands below. Brackets hold 95%
intervals. The program stops at a sentence that its run does not support. One model, one seed: the
intervals say what other prompts and passages would give, not what another training would.
"""


def newest(folder: Path, name: str) -> Path:
    """The newest finished run of a name in outputs `folder`."""
    runs = [done.parent for done in folder.glob(f"runs/{name}-*/DONE")]
    if not runs:
        raise ConfigError(
            f"OUTPUTS={folder}: no finished run called {name} in {folder / 'runs'}; "
            "docs/findings.md has the commands"
        )
    return max(runs, key=lambda run: (run / "DONE").stat().st_mtime)


def read(folder: Path) -> Run:
    """A run with `folder` as it was given, so that the commands on the page are relative."""
    from nextchar.results import read_run

    return replace(read_run(folder.resolve()), folder=folder)


def main() -> None:
    """Read the runs, check the sentences, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("outputs", nargs="?", type=Path, metavar="OUTPUTS", default=outputs())
    folder = parser.parse_args().outputs
    from studies.findings.finding import CitedRun, render
    from studies.findings.sentences import curves_findings, default_findings, grammar_findings

    from nextchar.runtime import files

    sections = (
        ("The default comparison", "full", "metrics=full", default_findings),
        (
            "A corpus with known ground truth",
            "grammar",
            "corpus=grammar metrics=full decoding.samples_per_prompt=2",
            grammar_findings,
        ),
        ("Samplers along their parameter", "curves", "decoding=curves", curves_findings),
    )
    parts = [
        (heading, f"{COMMAND} name={name} {arguments}", find(CitedRun(read(newest(folder, name)))))
        for heading, name, arguments, find in sections
    ]
    files.write_text(PAGE, render(TITLE, NOTE, parts))
    print(PAGE)


if __name__ == "__main__":
    exit_on_error(main)
