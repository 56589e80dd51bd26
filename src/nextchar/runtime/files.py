"""Whole or absent files: written under a temporary name, then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on error it is removed.

    Its name contains the process id, so that processes that write the same file do not share it.
    An OSError that names no file, as that of a full disk, then names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove the temporary files that killed processes left in `folder`.

    Call it only while holding a lock that excludes other writers: their files would be lost.
    """
    for temporary in folder.glob(".*.tmp"):
        temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8, newlines as they are) to `path` in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def as_json(value: Mapping[str, Any]) -> str:
    """JSON for people and programs: indented, keys in their order."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
