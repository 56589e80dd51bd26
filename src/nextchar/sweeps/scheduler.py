"""A sweep is driven: what is done already is skipped, the rest handed out, every ending noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from nextchar.config import ConfigError
from nextchar.results import sweep as stored
from nextchar.results.sweep import FAILED, FINISHED, PRUNED, RUNNING, Plan, PlannedJob, State
from nextchar.runtime import lock, progress
from nextchar.sweeps.job import COMPUTE
from nextchar.sweeps.jobs import Job, Task, varying
from nextchar.sweeps.processes import Ended, Event, Started

Backend = Callable[[Iterator[Task]], Generator[Event, None, None]]
"""Does tasks somewhere, and says of each when it starts and how it ends.

It takes a task when it has room for one, so that a search can make the next one of what it knows by
then; when it is closed, it ends what is at work.
"""


def planned(
    name: str, command: str, jobs: Sequence[Job], parameters: Sequence[str] | None = None
) -> Plan:
    """The plan of these jobs. `parameters` vary; by default those that do."""
    names = tuple(parameters) if parameters is not None else varying(jobs)
    first = jobs[0].settings if jobs else {}
    return Plan(
        name=name,
        command=command,
        parameters=names,
        fixed=tuple(f"{key}={value}" for key, value in first.items() if key not in names),
        jobs=tuple(
            PlannedJob(job.key, tuple(job.settings.get(each, "") for each in names)) for job in jobs
        ),
    )


def lock_path(folder: Path) -> Path:
    """What the driver of a sweep holds; free where nobody is at work on it."""
    return folder / ".lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only one who drives the sweep in `folder` during the block.

    Raises ConfigError where another process does.
    """
    try:
        with lock.holding(lock_path(folder), f"the sweep {folder.name}", wait=False):
            yield
    except lock.HeldError as held:
        raise ConfigError(f"{held}; wait for it, or give this one another name") from held


def drive(
    folder: Path,
    jobs: Iterable[Job],
    backend: Backend,
    *,
    total: int,
    named: Sequence[str],
    before: int = 0,
    force: bool = False,
    work: str = COMPUTE,
    on_end: Callable[[Job, State], None] = lambda job, state: None,
) -> int:
    """Do the jobs of the sweep in `folder` that are not done yet; how many of all have failed.

    Jobs with the same key are one. `on_end` hears of every job, those that were done before too;
    `named` are the settings by which a job goes in what is said;
    `before` counts what is done of the total and is not among the jobs. Call it in `alone`.
    """
    return _Driver(folder, total, named, before, force, work, on_end).drive(jobs, backend)


class _Driver:
    def __init__(
        self,
        folder: Path,
        total: int,
        named: Sequence[str],
        before: int,
        force: bool,
        work: str,
        on_end: Callable[[Job, State], None],
    ) -> None:
        self._folder, self._total, self._force = folder, total, force
        self._work, self._on_end = work, on_end
        self._since = time.time()
        self._jobs: dict[str, Job] = {}
        self._counts = dict.fromkeys((FINISHED, FAILED, PRUNED, RUNNING), 0)
        self._named, self._before = named, before
        self._counts[FINISHED] = before
        self._shown = False

    def drive(self, jobs: Iterable[Job], backend: Backend) -> int:
        with progress.task("jobs", self._total) as self._bar:
            with closing(backend(self._tasks(jobs))) as events:
                for event in events:
                    if isinstance(event, Started):
                        stored.write_state(self._folder, event.key, State(RUNNING))
                        self._counts[RUNNING] += 1
                        self._show()
                    else:
                        assert isinstance(event, Ended)
                        self._counts[RUNNING] -= 1
                        self._ended(event.key, event.state)
            if not self._shown:
                self._show()
        if self._before:
            progress.say(f"{self._before:,} of {self._total:,} jobs were done before")
        return self._counts[FAILED]

    def _tasks(self, jobs: Iterable[Job]) -> Iterator[Task]:
        """What is left to do of the jobs; called by the backend when it has room."""
        for job in jobs:
            if job.key in self._jobs:
                continue
            self._jobs[job.key] = job
            state = stored.read_state(self._folder, job.key)
            if state.state == FINISHED and not self._force:
                self._counts[FINISHED] += 1
                self._before += 1
                self._on_end(job, state)
            elif job.asked is None:
                self._ended(job.key, State(FAILED, error=job.error))
            else:
                log = stored.log_path(self._folder, job.key)
                yield Task(job.key, job.asked, job.command, log, self._work, self._since, job.trial)

    def _ended(self, key: str, state: State) -> None:
        job = self._jobs[key]
        stored.write_state(self._folder, key, state)
        self._counts[state.state] += 1
        if state.state == FAILED:
            settings = " ".join(f"{name}={job.settings.get(name)}" for name in self._named)
            progress.say(f"job failed: {settings}: {state.error}")
            if state.trace:
                progress.say(state.trace.rstrip())
                progress.say(f"its output: {stored.log_path(self._folder, key)}")
        self._on_end(job, state)
        self._show()

    def _show(self) -> None:
        self._shown = True
        counts = self._counts
        over = counts[FINISHED] + counts[FAILED] + counts[PRUNED]
        note = ", ".join(
            f"{counts[state]} {state}" for state in (RUNNING, FAILED, PRUNED) if counts[state]
        )
        self._bar.update(over, note)
