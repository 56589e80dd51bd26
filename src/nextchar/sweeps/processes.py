"""Each job in its own process: a crash of one leaves the others and the sweep running.

On Linux, a server that has imported what jobs need (multiprocessing's forkserver) forks a process
per job, so that a job does not import torch again. Elsewhere processes are spawned. A job's output
goes to its log; its process ends when the process that started it is gone.
"""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from pkgutil import resolve_name

from nextchar.config import ConfigError
from nextchar.results.sweep import FAILED, FINISHED, PRUNED, RUNNING, State
from nextchar.runtime import garbage
from nextchar.sweeps.jobs import PrunedError, Task

PRELOADED = [
    "nextchar.experiment.run",
    "nextchar.cli",
    "nextchar.sweeps.processes",
    "nextchar.runtime.frozen",
]
GRACE = 5.0
"""Seconds that a process has to end after SIGTERM, before SIGKILL."""


Event = tuple[str, State]
"""A job's key and its new state: RUNNING when it starts, another one when it ends."""


@dataclass
class _Running:
    task: Task
    process: BaseProcess
    answer: Connection
    started: float


def run_each(tasks: Iterator[Task], at_once: int) -> Generator[Event, None, None]:
    """Do the tasks, `at_once` at a time, each in its own process.

    When the generator is closed, the running processes are ended.
    """
    context = _context()
    count = 0
    running: dict[int, _Running] = {}
    try:
        while True:
            while len(running) < at_once and (task := next(tasks, None)) is not None:
                started = _start(context, task, count)
                count += 1
                running[started.process.sentinel] = started
                yield task.key, State(RUNNING)
            if not running:
                return
            for sentinel in wait(list(running)):
                assert isinstance(sentinel, int)
                ended = running.pop(sentinel)
                yield ended.task.key, _state(ended)
    finally:
        _end(list(running.values()))


def run_one(task: Task) -> State:
    """Do one task in its own process, and wait for it."""
    *_, (_, state) = run_each(iter([task]), 1)
    return state


def _context() -> BaseContext:
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _start(context: BaseContext, task: Task, index: int) -> _Running:
    task.log.parent.mkdir(parents=True, exist_ok=True)
    answer, theirs = context.Pipe(duplex=False)
    process: BaseProcess = context.Process(  # type: ignore[attr-defined]  # typeshed has it deeper
        target=_do, args=(task, theirs, index), name=f"job {task.key}"
    )
    process.start()
    theirs.close()  # so that the pipe ends with the process
    return _Running(task, process, answer, time.monotonic())


def _state(ended: _Running) -> State:
    """The state that the process sent, or how it died."""
    try:
        state = ended.answer.recv() if ended.answer.poll() else None
    except EOFError:
        state = None
    ended.answer.close()
    ended.process.join()
    seconds = time.monotonic() - ended.started
    if state is None:
        state = State(FAILED, error=_death(ended.process.exitcode), trace=_tail(ended.task.log))
    ended.process.close()
    return replace(state, seconds=round(seconds, 3))


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        memory = ", possibly because memory ran out" if -code == signal.SIGKILL else ""
        return f"the process was killed by {name}{memory}"
    return f"the process ended with exit code {code} in the middle of the job"


def _tail(log: Path, lines: int = 20) -> str | None:
    """The last lines of a log, which may show the cause."""
    if not log.exists():
        return None
    text = log.read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:]) or None


def _end(running: Sequence[_Running]) -> None:
    for each in running:
        each.process.terminate()
    for each in running:
        each.process.join(GRACE)
        if each.process.is_alive():
            each.process.kill()
            each.process.join()


def _do(task: Task, answer: Connection, index: int) -> None:
    """What a process does: the job with this index in its sweep, and one answer."""
    garbage.collect_rarely()
    gc.freeze()  # where the server was another's, and has imported nothing of PRELOADED
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in ("SIGINT", "SIGHUP"):  # the sweep handles Ctrl-C and a hangup, and ends its jobs
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with task.log.open("w", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        faulthandler.enable(log)
        answer.send(_attempt(task, index))
        sys.stdout.flush()
        sys.stderr.flush()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _attempt(task: Task, index: int) -> State:
    try:
        if task.config.device != "cpu":
            from nextchar.runtime import device

            device.select_gpu(index)
        resolve_name(task.work)(task)
        return State(FINISHED)
    except PrunedError as reason:
        return State(PRUNED, error=str(reason))
    except ConfigError as error:
        return State(FAILED, error=" ".join(str(error).split()))
    except Exception as error:  # a job may fail in any way, and the sweep must say how
        message = " ".join(f"{type(error).__name__}: {error}".split())
        return State(FAILED, error=message, trace=traceback.format_exc())
    except SystemExit as exit_:
        return State(FAILED, error=f"the job called sys.exit with code {exit_.code}")
