"""Commands as a user starts them, in processes of their own: wall time, processor time, memory."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from nextchar.config import ConfigError

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ended:
    """What a command took."""

    seconds: float
    processor_seconds: float
    """Of all its threads."""
    peak_bytes: float
    """The largest resident set."""
    first_output: float
    """Seconds until its first character on a terminal."""


def command(program: str, *arguments: str) -> Ended:
    """Run `python experiments/PROGRAM ARGUMENTS` on a terminal to its end.

    Raises ConfigError where it ends with an error, with the last of what it printed.
    """
    reading, terminal = pty.openpty()
    clock = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "experiments" / program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        cwd=ROOT,
        env=os.environ | {"NO_COLOR": "1"},
    )
    os.close(terminal)
    printed, first = bytearray(), 0.0
    while part := _read(reading):
        first = first or time.perf_counter() - clock
        printed += part
    os.close(reading)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = printed.decode(errors="replace").strip().splitlines()[-1:]
        raise ConfigError(f"{program} {' '.join(arguments)}: ended with an error: {last}")
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    return Ended(
        seconds=time.perf_counter() - clock,
        processor_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * unit,
        first_output=first,
    )


def _read(terminal: int) -> bytes:
    """What a terminal shows next; nothing at its end, which Linux reports as an error."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""
