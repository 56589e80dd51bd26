"""Progress of long work: a bar on a terminal, a few plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from nextchar.runtime import signals

LINES_IN_A_LOG = 10
"""A task writes at most about this many lines without a terminal."""


def say(message: str) -> None:
    """Print one line for the user on standard error: standard output is for results."""
    print(message, file=sys.stderr, flush=True)


def on_terminal() -> bool:
    """Whether a person watches standard error on a terminal."""
    return sys.stderr.isatty()


@contextmanager
def interruptible(*, force: bool) -> Iterator[None]:
    """Add to a Ctrl-C in the block what repeating the command would do, for the user.

    SIGTERM and SIGHUP end the block as Ctrl-C does.
    """
    try:
        with signals.as_ctrl_c():
            yield
    except KeyboardInterrupt as stop:
        if force:
            message = "with force=true the same command starts over; without it, it keeps what is "
            message += "finished and continues from the last checkpoint"
        else:
            message = "the same command continues from the last checkpoint"
        raise KeyboardInterrupt(message) from stop


class Task:
    """Shows how many steps of some work are completed, with an optional note."""

    def __init__(self, title: str, total: int, bar: tuple[Progress, TaskID] | None) -> None:
        self._title, self._total, self._bar = title, total, bar
        self._started = time.monotonic()
        self._first: int | None = None
        self._said = 0

    def update(self, completed: int, note: str = "") -> None:
        """Show that `completed` steps are done; the first need not be zero (resumed training)."""
        if self._first is None:
            self._first = completed
        if self._bar is not None:
            progress, task = self._bar
            progress.update(task, completed=completed, note=note)
            return
        tenth = completed * LINES_IN_A_LOG // self._total
        if tenth > self._said or completed == self._total:
            self._said = tenth
            say(f"{self._title}  {completed:,}/{self._total:,}  {note}{self._left(completed)}")

    def _left(self, completed: int) -> str:
        assert self._first is not None
        done = completed - self._first
        if done == 0 or completed == self._total:
            return ""
        seconds = (time.monotonic() - self._started) / done * (self._total - completed)
        return f"  {seconds:.0f} s left"


@contextmanager
def task(title: str, total: int) -> Iterator[Task]:
    """Show the progress of `total` steps of work until the block ends."""
    console = Console(stderr=True)
    # Not console.is_terminal: FORCE_COLOR makes that true for a pipe.
    if not on_terminal() or console.is_dumb_terminal:
        yield Task(title, total, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,}/{task.total:,}  {task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield Task(title, total, (progress, progress.add_task(title, total=total, note="")))
