"""One process at a time: a lock on a file, which the kernel releases when its holder ends or dies.

The lock is flock(2)'s, so nothing has to be cleaned up after a crash: the next process gets it. The
file says who holds it, for those who wait; its holder removes it at the end.

Limits: processes on several machines exclude each other only if their shared filesystem supports
flock (NFS since Linux 2.6.12, with its lock service running; Lustre when mounted with -o flock).
If a filesystem or system has no such locks, a warning says so and the work continues without: every
file is written whole (nextchar.runtime.files), so time may be lost, but no result.

The package `filelock` would leave every lock file in place, and without flock it raises or falls
back to locks that exist as files.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from nextchar.runtime import progress

if sys.platform != "win32":
    import fcntl

_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)

PROBE_SECONDS = 0.2
"""Seconds to retry when wait=False: the holder may only be probing."""


class HeldError(RuntimeError):
    """Another process holds the lock; the message says which one."""


@contextmanager
def holding(path: Path, what: str, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock file `path` during the block; `what` is being made, for those who wait.

    Waits until the lock is free, and says so; with `wait=False` raises HeldError instead.
    """
    file = _acquire(path, what, wait)
    if file is None:
        yield
        return
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        # While it is still held: after the release, the file may belong to another process.
        path.unlink(missing_ok=True)
        os.close(file)


@contextmanager
def appending(path: Path) -> Iterator[BinaryIO]:
    """Open a file to append to; others that open it so wait until the block ends.

    Without locks here, as `holding` says, they don't wait.
    """
    with path.open("ab") as file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise
        yield file


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock file `path`."""
    if not path.exists():
        return False
    try:
        with holding(path, "nothing", wait=False):
            return False
    except HeldError:
        return True


def _acquire(path: Path, what: str, wait: bool) -> int | None:
    """The open, locked file; None if there are no locks here."""
    if sys.platform == "win32":
        progress.say(f"warning: no file locks on this system: {what} may be made twice at a time")
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with ExitStack() as undo:
            try:
                file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except PermissionError as error:
                raise PermissionError(_refused(path, what)) from error
            undo.callback(os.close, file)
            try:
                _lock(file, what, wait)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise
                progress.say(
                    f"warning: {path.parent} has no file locks ({error.strerror}): {what} may be "
                    "made twice at a time"
                )
                return None
            # Its holder may have removed it while we waited: then wait for the new file.
            with suppress(FileNotFoundError):
                if os.path.samestat(path.stat(), os.fstat(file)):
                    undo.pop_all()
                    return file


def _refused(path: Path, what: str) -> str:
    """What to do where the lock file can't be opened."""
    choose = "set paths.outputs to a folder of your own"
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where it may not look
        return f"{path.parent}: you may not write there, so {what} can't be made: {choose}"
    try:
        owner = path.owner()
    except KeyError:  # a number without a name here
        owner = f"user {path.stat().st_uid}"
    return (
        f"{path}: the lock of {owner}, who is making {what}, or was: if none of their "
        f"programs is at work, it can be deleted; else {choose}"
    )


def _lock(file: int, what: str, wait: bool) -> None:
    """Lock the open file, or raise HeldError."""
    until = time.monotonic() + PROBE_SECONDS
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # noqa: PERF203 - retrying is the point
            holder = os.pread(file, 200, 0).decode(errors="replace") or "another process"
            if wait:
                progress.say(f"waiting for {holder}, which is making {what}")
                return fcntl.flock(file, fcntl.LOCK_EX)
            if time.monotonic() > until:
                raise HeldError(f"{what} is held by {holder}") from None
            time.sleep(0.02)
