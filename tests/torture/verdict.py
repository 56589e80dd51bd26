"""Whether a command that met a damaged file did well: the same again and said so, or one line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from launching import Ended


def contents(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The files below `folder` that have these names: what must come out the same."""
    found = (path for name in names for path in folder.rglob(name))
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(found)}


def wrong(ended: Ended, damaged: Path, before: dict[str, bytes], after: dict[str, bytes]) -> str:
    """What is wrong with how the command ended; empty where it did well.

    `before` and `after` are the results before the damage and after the command.
    """
    if "Traceback" in ended.err:
        return "a traceback"
    naming = [line for line in ended.lines if damaged.name in line]
    if not naming:
        return f"no line names {damaged.name}"
    if ended.code == 2:
        return "" if ended.lines[-1] in naming else "the last line does not name the file"
    if ended.code != 0:
        return f"exit code {ended.code}"
    changed = sorted(name for name in before if before[name] != after.get(name))
    return f"changed: {', '.join(changed)}" if changed else ""
