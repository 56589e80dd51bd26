"""Finds the folder of a run, sweep or model by what a person calls it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from nextchar.config import ConfigError
from nextchar.results.run import CONFIG

ROOMS = ("runs", "sweeps", "models")
"""Folders of outputs/, in the order in which a name is looked up."""
MARKS = (CONFIG, "sweep.json")
"""A folder with one of these is a run or a model, or a sweep."""
NAMED = 5
"""Folders that a message names at most."""


def find_folder(name: str | os.PathLike[str], outputs: Path) -> Path:
    """The folder of a run, sweep or model.

    `name` is a path, of the folder or of a file in it, or the name of a folder in outputs/runs,
    sweeps or models: `compare-1f0c2a8d3b4e`, its beginning, or either side of its dash. Of several
    runs with one name it is the newest. Links such as outputs/latest are followed.
    Raises ConfigError, in one line, where nothing or more than one thing is meant.
    """
    path = Path(name).expanduser()
    if path.exists():
        around = [path.resolve(), *path.resolve().parents]
        return next((each for each in around if _is_marked(each)), around[0])
    text = str(name)
    folders = [each for room in ROOMS for each in _folders(outputs / room)]
    for found in (
        [each for each in folders if each.name == text],
        sorted((each for each in folders if _split(each)[0] == text), key=_age)[:1],
        [each for each in folders if text and any(part.startswith(text) for part in _parts(each))],
    ):
        if len(found) > 1:
            names = ", ".join(each.name for each in found[:NAMED])
            more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
            raise ConfigError(f"RUN={name}: may be {names}{more}; write more of its name")
        if found:
            return found[0].resolve()
    raise ConfigError(
        f"RUN={name}: no run, sweep or model is called so in {outputs}; nextchar-view --list lists "
        "them"
    )


def runs_and_sweeps(outputs: Path) -> list[Path]:
    """The folders of all runs and sweeps, the newest first."""
    return sorted((each for room in ROOMS[:2] for each in _folders(outputs / room)), key=_age)


def _folders(room: Path) -> list[Path]:
    return sorted(each for each in room.glob("[!.]*/") if _is_marked(each))


def _is_marked(folder: Path) -> bool:
    return any((folder / mark).is_file() for mark in MARKS)


def _split(folder: Path) -> tuple[str, str]:
    """The name and the id of a run; a sweep and a model have no dash of this kind."""
    name, _, identity = folder.name.rpartition("-")
    return (name, identity) if folder.parent.name == ROOMS[0] else ("", "")


def _parts(folder: Path) -> tuple[str, str]:
    return folder.name, _split(folder)[1]


def _age(folder: Path) -> float:
    """Sorts the newest first."""
    times = [0.0]
    for each in folder.iterdir():
        with suppress(FileNotFoundError):  # a file that is just being written
            times.append(each.lstat().st_mtime)
    return -max(times)
