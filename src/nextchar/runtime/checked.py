"""What is read back is what was written: each file's sha256 is kept, and compared at reading.

A finished folder holds DONE, written last: the sha256 and the name of each of its files, as
`sha256sum --check DONE` reads them, and the sha256 of these lines. A JSON file that changes while
work goes on holds its own sha256. A checkpoint does so too (nextchar.training.checkpoint).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from nextchar.config import ConfigError
from nextchar.runtime import files

DONE = "DONE"
"""Marks a folder as finished, and holds the sha256 of its files."""

CHANGED = "not what was written (damaged or edited)"


class DamagedError(ConfigError):
    """A file is not what was written. The message is one line: its path, what is wrong, a remedy.

    Where the file is made again at once there is no `remedy`.
    """

    def __init__(self, path: Path, wrong: str, remedy: str = "") -> None:
        super().__init__(f"{path}: {wrong}" + (f"; {remedy}" if remedy else ""))
        self.path, self.wrong = path, wrong


def seal(folder: Path, *, without: str | None = None) -> None:
    """Write DONE: `folder` is finished, with the files that it holds now.

    The file or folder `without` is left out, and so are temporary files.
    """
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    names = sorted(
        path.as_posix()
        for path in found
        if path.parts[0] not in (DONE, without) and path.suffix != ".tmp"
    )
    lines = "".join(f"{sha256(folder / name)}  {name}\n" for name in names)
    files.write_text(folder / DONE, f"{lines}# {_sha256(lines)}\n")


def is_finished(folder: Path) -> bool:
    """Whether `folder` was finished; `damage` tells whether it is still whole."""
    return (folder / DONE).exists()


def damage(folder: Path, *names: str, all_files: bool = True) -> list[DamagedError]:
    """What is wrong with a finished folder; nothing where it is as it was when it was sealed.

    Compares every file of the seal, or with `all_files=False` those of `names` alone. A file of
    `names` that is there must be one of the seal.
    """
    path = folder / DONE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [DamagedError(path, "missing, so its folder is not finished")]
    lines, _, own = content.decode(errors="replace").rpartition("# ")
    if own != f"{_sha256(lines)}\n":
        wrong = "no list of its folder's files (damaged, or of an older version)"
        return [DamagedError(path, wrong)]
    sealed = {name: each for each, _, name in (row.partition("  ") for row in lines.splitlines())}
    compared = dict.fromkeys([*(sealed if all_files else ()), *names])
    found = ((folder / name, _wrong(folder / name, sealed.get(name))) for name in compared)
    return [DamagedError(each, wrong) for each, wrong in found if wrong]


def check(folder: Path, *names: str, all_files: bool = True) -> None:
    """Raise DamagedError where `damage` finds something."""
    for each in damage(folder, *names, all_files=all_files):
        remedy = f"repeat the command that made it, or delete {folder}"
        raise DamagedError(each.path, each.wrong, remedy)


def sha256(path: Path) -> str:
    """The sha256 of a file, computed once per process and state of the file."""
    state = path.stat()
    return _sha256_of(path, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file that holds its own sha256."""
    files.write_text(path, _with_sha256(value))


def read_json(path: Path, remedy: str = "") -> dict[str, Any]:
    """Read a file of `write_json`. Raises DamagedError if any byte of it has changed."""
    try:
        text = path.read_bytes().decode()
        value: dict[str, Any] = json.loads(text)
        del value["sha256"]
        same = text == _with_sha256(value)
    except (ValueError, TypeError, KeyError, RecursionError, FileNotFoundError) as error:
        wrong = "missing" if isinstance(error, FileNotFoundError) else CHANGED
        raise DamagedError(path, wrong, remedy) from error
    if not same:
        raise DamagedError(path, CHANGED, remedy)
    return value


def _with_sha256(value: Mapping[str, Any]) -> str:
    return files.as_json({**value, "sha256": _sha256(files.as_json(value))})


def _wrong(path: Path, sealed: str | None) -> str | None:
    """What is wrong with a file whose sha256 was `sealed`; None: it was not there."""
    if not path.exists():
        return "missing" if sealed else None
    if sealed is None:
        return "not one of the files that its folder was finished with"
    return None if path.is_file() and sha256(path) == sealed else CHANGED


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _sha256_of(path: Path, *_state: int) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()
