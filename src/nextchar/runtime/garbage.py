"""Python's search for garbage, as suits programs of many modules and figures."""

from __future__ import annotations

import atexit
import gc

OBJECTS = 100_000
"""New objects after which the youngest are looked through; Python's own 700 to 2,000 suit smaller
programs: a run of some seconds spends a fifth of its time on looking."""


def collect_rarely() -> None:
    """Look for garbage rarely from now on, and no more when the program ends, as the system then
    takes back all of its memory."""
    gc.set_threshold(OBJECTS, 10, 10)
    atexit.unregister(gc.freeze)  # once, however often this is called
    atexit.register(gc.freeze)
