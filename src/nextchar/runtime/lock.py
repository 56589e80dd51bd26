"""One process at a time: a lock on a file, which the kernel lifts when its holder ends or dies.

The lock is flock(2)'s, so nothing has to be cleaned up after a crash: the next in line simply gets
it. The file holds who has it, for those who wait, and is removed by its holder at the end.

Limits. Processes on several machines exclude each other only where their shared filesystem passes
flock on (NFS since Linux 2.6.12, with its lock service running; Lustre when mounted with -o flock).
Where a filesystem or system has no such locks, that is said once and the work goes on unlocked:
every file is written whole (nextchar.runtime.files), so what can be lost is time, not a result.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nextchar.runtime import progress

if sys.platform != "win32":
    import fcntl

_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


PATIENCE = 0.2
"""Seconds that one tries for who would not wait."""


class HeldError(RuntimeError):
    """The lock is held by another process; the message says by which."""


@contextmanager
def holding(path: Path, what: str, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock file `path` during the block; `what` is being made, in words, for who waits.

    Waits for its turn, and says so; with `wait=False` raises HeldError instead.
    """
    file = _acquired(path, what, wait)
    if file is None:
        yield
        return
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        # While it is still held: a file that is removed later could be another's by then.
        path.unlink(missing_ok=True)
        os.close(file)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock file `path`."""
    if not path.exists():
        return False
    try:
        with holding(path, "nothing", wait=False):
            return False
    except HeldError:
        return True


def _acquired(path: Path, what: str, wait: bool) -> int | None:
    """The open, locked file; None where there are no locks to be had."""
    if sys.platform == "win32":
        progress.say(f"warning: no file locks on this system: {what} may be made twice at a time")
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file, what, wait)
            if _is_still(path, file):
                return file
        except OSError as error:
            os.close(file)
            if error.errno in _UNSUPPORTED:
                progress.say(
                    f"warning: {path.parent} has no file locks ({error.strerror}): {what} may be "
                    "made twice at a time"
                )
                return None
            raise
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # its holder removed it while we waited: queue at the new one


def _lock(file: int, what: str, wait: bool) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(file, 200, 0).decode(errors="replace") or "another process"
        if not wait:
            _try_for(PATIENCE, file, f"{what} is held by {holder}")
            return
        progress.say(f"waiting for {holder}, which is making {what}")
        fcntl.flock(file, fcntl.LOCK_EX)


def _try_for(seconds: float, file: int, message: str) -> None:
    """Lock the file within so many seconds, or raise HeldError: who only looks is gone by then."""
    until = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # noqa: PERF203 - asking again is the point
            if time.monotonic() > until:
                raise HeldError(message) from None
            time.sleep(0.02)


def _is_still(path: Path, file: int) -> bool:
    """Whether `path` still names the file that was locked."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    own = os.fstat(file)
    return (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)
