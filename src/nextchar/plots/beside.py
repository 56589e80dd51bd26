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

READY = b"nextchar draws\n"
"""What the second process says first; before it, what its modules print while it imports them."""


class Beside:
    """The second process. Use it within `with`, at whose end it ends, as it does with this process.

    It begins to import at `start`, else when drawing begins.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def start(self) -> None:
        """Start the process, if it does not run yet. It can't where Python is part of an
        application; then this process draws alone."""
        if self._process is not None or not sys.executable or hasattr(sys, "frozen"):
            return
        path = [folder for folder in sys.path if isinstance(folder, str)]
        code = f"import sys; sys.path[:] = {path!r}; from nextchar.plots import beside; "
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code + "beside.serve()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the process that started it
            )
        except OSError as error:
            progress.say(f"note: no second process draws: {error}")

    def draw_all(self, run: Run, folder: Path) -> Drawn:
        """As `plots.draw_all`, to the same bytes, in two processes."""
        self.start()
        drawn: dict[str, Drawn] = {}
        ours, shared = names(own=False), names(own=True)
        ready = threading.Event()

        def there(process: subprocess.Popen[bytes]) -> None:
            asked, answers = process.stdin, process.stdout
            assert asked is not None
            assert answers is not None
            with suppress(Exception):  # whatever happens to it: what it did not draw is drawn here
                while (line := answers.readline()) != READY:
                    if not line:
                        return
                ready.set()
                for name in _taken(shared, 0):
                    pickle.dump((Path.cwd(), run.folder, folder, name), asked)
                    asked.flush()
                    drawn[name] = pickle.load(answers)

        helper = threading.Thread(target=there, args=[self._process], daemon=True)
        if self._process is not None:
            helper.start()
        for name in chain(ours, _taken(shared, -1)):
            drawn[name] = draw_figure(name, run, folder)
        if ready.is_set():
            helper.join()
        left = [name for name in names() if name not in drawn]
        if left or not ready.is_set():
            self.close()
        if left:
            progress.say(
                f"note: the second process that draws ended; {', '.join(left)}: drawn here"
            )
        for name in left:
            drawn[name] = draw_figure(name, run, folder)
        return gathered(drawn[name] for name in names())


def _taken(pending: list[str], at: int) -> Iterator[str]:
    """What is taken off a list that another thread takes from too, until it is empty."""
    with suppress(IndexError):
        while True:
            yield pending.pop(at)


def serve() -> None:
    """What the second process does: draw each figure that is asked for on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows has no sessions
    garbage.collect_rarely()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints is no answer
    asked = SimpleQueue[Any]()
    threading.Thread(target=_listen, args=[asked], daemon=True).start()
    read = lru_cache(1)(read_unsealed)
    try:
        answers.write(READY)
        while True:
            answers.flush()
            here, run, folder, name = asked.get()
            os.chdir(here)  # from where a relative folder leads
            pickle.dump(draw_figure(name, read(run), folder), answers)
    except Exception as error:
        progress.say(f"note: the second process that draws: {type(error).__name__}: {error}")
    finally:
        os._exit(1)  # without a farewell to the thread that listens


def _listen(asked: SimpleQueue[Any]) -> None:
    """Take what is asked for, until the process that asks is gone."""
    try:
        while True:
            asked.put(pickle.load(sys.stdin.buffer))
    finally:
        os._exit(0)
