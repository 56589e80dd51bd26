"""Measures the time of each part of some work: wall-clock and processor seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds by part, in the order in which the parts were first entered."""

    def __init__(self) -> None:
        self.parts: dict[str, dict[str, float]] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the block's time to the part; `processor_seconds` count all threads."""
        clock, processor = time.perf_counter(), time.process_time()
        yield
        own = self.parts.setdefault(name, {"seconds": 0.0, "processor_seconds": 0.0})
        own["seconds"] += time.perf_counter() - clock
        own["processor_seconds"] += time.process_time() - processor
