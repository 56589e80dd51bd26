"""Where the time of a piece of work goes: seconds of the clock and of the processor, by part."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Parts in the order in which they were first taken."""

    def __init__(self) -> None:
        self.parts: dict[str, dict[str, float]] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the block's seconds to the part; `processor_seconds` are those of all threads."""
        clock, processor = time.perf_counter(), time.process_time()
        yield
        own = self.parts.setdefault(name, {"seconds": 0.0, "processor_seconds": 0.0})
        own["seconds"] += time.perf_counter() - clock
        own["processor_seconds"] += time.process_time() - processor
