"""`nextchar-reproduce RUN`: compute a finished run again, and compare it with itself."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from nextchar import api
from nextchar.config import ConfigError
from nextchar.results import Run


def reproduce() -> None:
    """The command, with the arguments of the command line; exit code 1 where the runs differ.

    Raises ConfigError for a mistake.
    """
    given = _parser().parse_args()
    if given.run and given.from_archive:
        raise ConfigError("RUN and --from-archive: both name a run; give one of them")
    if given.output and given.output.exists():
        raise ConfigError(f"--output={given.output}: exists; name a new folder")
    with tempfile.TemporaryDirectory(prefix="nextchar-") as scratch:
        if given.from_archive:
            from nextchar.experiment import archive

            folder, packed = archive.unpack(given.from_archive, Path(scratch) / "archive")
            run, text = api.read_run(folder), given.text or packed
        else:
            run, text = api.read_run(given.run or api.outputs() / "latest"), given.text
        if given.archive:
            from nextchar.experiment import archive

            archive.pack(run, given.archive, with_text=not given.without_text)
            print(given.archive)
        elif not _same(run, given.output or Path(scratch) / "outputs", text):
            sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nextchar-reproduce",
        description="Compute a finished run again in a fresh folder, and compare weights, texts "
        "and tables. Exit code 0: all are the same bytes; 1: not, and what differs first.",
    )
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help="a folder or a name; the newest run by default"
    )
    parser.add_argument("--from-archive", type=Path, metavar="FILE", help="instead of RUN")
    parser.add_argument("--text", type=Path, metavar="FILE", help="the text of its corpus")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="keep what is made again, in a new folder"
    )
    parser.add_argument(
        "--archive", type=Path, metavar="FILE", help="only pack RUN, its model and its text"
    )
    parser.add_argument(
        "--without-text", action="store_true", help="an archive with the hash of the text alone"
    )
    return parser


def _same(run: Run, outputs: Path, text: Path | None) -> bool:
    """Compute the run again, and print stage by stage whether it is the same."""
    from nextchar.experiment.reproduce import again, environment, stages

    made = again(run, outputs, text)
    compared = list(stages(run, made))
    width = max(len(stage.name) for stage in compared)
    for stage in compared:
        print(f"{stage.name:{width}}  {stage.difference or 'identical'}")
    for line in environment(run, made):
        print(f"computed with another {line}")
    first = next((stage.name for stage in compared if stage.difference), None)
    print(f"differs first in: {first}" if first else f"reproduced: {run.folder.name}")
    return first is None
