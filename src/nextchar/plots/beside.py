"""A second process that draws figures beside this one, as drawing keeps one core busy.

It has no plugin, so it draws the figures of this package alone, from the files of the run.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from nextchar.plots.registry import Drawn, draw_figure, gathered, names
from nextchar.results import Run, read_unsealed
from nextchar.runtime import garbage, progress


class Beside:
    """The second process. Use it within `with`; it begins to import at `start`, else when drawing
    begins, and never outlives this process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def start(self) -> subprocess.Popen[bytes]:
        """The process, which is started once."""
        if self._process is None:
            code = f"import sys; sys.path[:] = {sys.path!r}; from nextchar.plots import beside; "
            self._process = subprocess.Popen(
                [sys.executable, "-c", code + "beside.serve()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the process that started it
            )
        return self._process

    def draw_all(self, run: Run, folder: Path) -> Drawn:
        """As `plots.draw_all`, to the same bytes, in two processes."""
        process, drawn = self.start(), dict[str, Drawn]()
        others, own = names(own=False), names(own=True)

        def there() -> None:
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(OSError, EOFError, pickle.UnpicklingError):  # it has ended: see below
                for name in _taken(own, 0):
                    pickle.dump((run.folder, folder, name), process.stdin)
                    process.stdin.flush()
                    drawn[name] = pickle.load(process.stdout)

        helper = threading.Thread(target=there, daemon=True)
        helper.start()
        for name in chain(others, _taken(own, -1)):
            drawn[name] = draw_figure(name, run, folder)
        helper.join()
        if left := [name for name in names() if name not in drawn]:
            progress.say(
                f"note: the second process that draws ended with exit code {process.wait()}; "
                f"this one draws {', '.join(left)}"
            )
        for name in left:
            drawn[name] = draw_figure(name, run, folder)
        return gathered(drawn[name] for name in names())


def _taken(names: list[str], at: int) -> Iterator[str]:
    """Names taken off a list that another thread takes from too, until it is empty."""
    with suppress(IndexError):
        while True:
            yield names.pop(at)


def serve() -> None:
    """What the second process does: draw each figure that is asked for on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows has no sessions
    garbage.collect_rarely()
    asked, answers = SimpleQueue[Any](), sys.stdout.buffer
    sys.stdout = sys.stderr
    threading.Thread(target=_listen, args=[asked], daemon=True).start()
    read = lru_cache(1)(read_unsealed)
    while True:
        run, folder, name = asked.get()
        pickle.dump(draw_figure(name, read(run), folder), answers)
        answers.flush()


def _listen(asked: SimpleQueue[Any]) -> None:
    """Take what is asked for, until the process that asks is gone."""
    try:
        while True:
            asked.put(pickle.load(sys.stdin.buffer))
    finally:
        os._exit(0)
