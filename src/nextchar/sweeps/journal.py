"""The journal of a search's study, for optuna: one line per entry, chained by their sha256.

Each line is the sha256 of the line before it and of this entry, and the entry as JSON. Optuna's own
journal file has no checks, and a lock that outlives a killed process.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from nextchar.runtime import checked, files, lock, progress
from nextchar.runtime.checked import DamagedError


class Journal(BaseJournalBackend):
    """The entries in the file `path`, which several processes append to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: list[bytes] = []
        self._digest, self._read = "", 0
        path.touch()

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The entries from this one on. Raises DamagedError for one that was not written so."""
        self._catch_up()
        return map(json.loads, self._entries[log_number_from:])

    def append_logs(self, logs: Sequence[dict[str, Any]]) -> None:
        """Append entries; they are on the disk when this returns."""
        with lock.appending(self._path) as file:
            self._catch_up()
            file.truncate(self._read)  # a line that a killed process has not ended
            digest = self._digest
            for log in logs:
                entry = json.dumps(log, separators=(",", ":")).encode()
                digest = _chained(digest, entry)
                file.write(digest.encode() + b" " + entry + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _catch_up(self) -> None:
        """Read the lines that are new since the last time."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # it is being written, or its writer was killed
                digest, _, entry = line[:-1].partition(b" ")
                chained = _chained(self._digest, entry)
                if chained.encode() != digest:
                    where = f"line {len(self._entries) + 1} is {checked.CHANGED}"
                    raise DamagedError(self._path, where, "repeat the sweep's command")
                self._digest = chained
                self._entries.append(entry)
                self._read += len(line)


def repair(path: Path) -> None:
    """Cut a damaged journal after its last whole line, and say so.

    Only for the process that runs the search, before it opens the journal.
    """
    if not path.exists():
        return
    journal = Journal(path)
    try:
        journal._catch_up()
        wrong = f"ends within line {len(journal._entries) + 1}"
    except DamagedError as damage:
        wrong = damage.wrong
    content = path.read_bytes()
    if len(content) > journal._read:
        progress.say(f"{path}: {wrong}; the search goes on from the lines before it")
        with files.replacing(path) as temporary:
            temporary.write_bytes(content[: journal._read])


def _chained(before: str, entry: bytes) -> str:
    return hashlib.sha256(before.encode() + entry).hexdigest()
