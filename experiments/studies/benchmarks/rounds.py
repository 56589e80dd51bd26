"""Alternating measurements: on a shared machine ratios within a round mean more than times."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping

MOST = 1_000_000
Contestant = Callable[[], float]
"""Does its work once and returns the seconds that it took."""


def count(text: str) -> int:
    """A number on the command line: a whole one, from 1 to a million."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number from 1 to {MOST:,}")
    return int(text)


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    clock = time.perf_counter()
    work()
    return time.perf_counter() - clock


def alternate(contestants: Mapping[str, Contestant], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each round; a first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, contestant in contestants.items():
            taken = contestant()
            if number:
                seconds[name].append(taken)
    return seconds


def spread(values: list[float]) -> str:
    """Median and range: `3.4 [3.1, 3.9]`."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return (
        f"{middle:,.3g} [{low:,.3g}, {high:,.3g}]"
        if high < 1000
        else (f"{middle:,.0f} [{low:,.0f}, {high:,.0f}]")
    )
