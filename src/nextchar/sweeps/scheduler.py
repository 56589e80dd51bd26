"""Runs the jobs of a sweep: skips what is finished, hands out the rest, records every end."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from nextchar.config import ConfigError
from nextchar.results import sweep as stored
from nextchar.results.sweep import FAILED, FINISHED, PRUNED, RUNNING, Plan, State
from nextchar.runtime import lock, progress
from nextchar.sweeps.jobs import Job, SweepFailedError, Task
from nextchar.sweeps.live import LivePage
from nextchar.sweeps.processes import Event

Backend = Callable[[Iterator[Task]], Generator[Event, None, None]]
"""Does tasks somewhere, and yields an event when each starts and ends.

It takes a task only when it has room for one, so that a search can choose the next one by all
results so far; when it is closed, it ends the running tasks.
"""


def planned(name: str, command: str, jobs: Sequence[Job]) -> Plan:
    """The plan of a grid of jobs; its parameters are the settings that differ between them."""
    settings = dict.fromkeys(each for job in jobs for each in job.settings)
    names = tuple(each for each in settings if len({job.settings.get(each) for job in jobs}) > 1)
    first = jobs[0].settings if jobs else {}
    fixed = tuple(f"{key}={value}" for key, value in first.items() if key not in names)
    return Plan(name, command, names, fixed, tuple(job.planned(names) for job in jobs))


def lock_path(folder: Path) -> Path:
    """The lock that the process of a sweep holds while the sweep runs."""
    return folder / ".lock"


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Be the only process that runs the sweep in `folder`. Raises ConfigError if another does."""
    try:
        with lock.holding(lock_path(folder), f"the sweep {folder.name}", wait=False):
            yield
    except lock.HeldError as held:
        raise ConfigError(f"{held}; wait for it, or give this one another name") from held


def require_success(failed: int, all_jobs: str) -> None:
    """Raise SweepFailedError if jobs failed; `all_jobs` is for its message, as in `3 jobs`."""
    if failed:
        raise SweepFailedError(
            f"{failed} of {all_jobs} failed, their errors are above and in the summary; the same "
            "command repeats only these"
        )


@dataclass
class Scheduler:
    """Does the jobs of the sweep in `folder` that are not finished. Use it inside `exclusive`.

    `total` jobs are shown in the progress bar, of which `before` are finished and not among the
    jobs. `parameters` name a job in messages. `on_end` is called for every job, also for one that
    was finished before.
    """

    folder: Path
    total: int
    parameters: Sequence[str]
    work: str
    before: int = 0
    force: bool = False
    on_end: Callable[[Job, State], None] = lambda job, state: None
    _jobs: dict[str, Job] = field(default_factory=dict, init=False)
    _discarded: set[Path] = field(default_factory=set, init=False)
    _counts: Counter[str] = field(default_factory=Counter, init=False)

    def run_jobs(self, jobs: Iterable[Job], backend: Backend) -> int:
        """Do the jobs, those with the same key once; return how many failed."""
        self._counts[FINISHED] = self.before
        self._page = LivePage(self.folder, self.total)
        with progress.task("jobs", self.total) as self._bar:
            with closing(backend(self._tasks(jobs))) as events:
                for key, state in events:
                    if state.state == RUNNING:
                        stored.write_state(self.folder, key, state)
                        self._counts[RUNNING] += 1
                        self._show(key)
                    else:
                        self._counts[RUNNING] -= 1
                        self._end(key, self._checked(key, state))
            if self.before == self.total:
                self._show_counts()
        if self.before:
            progress.say(f"{self.before:,} of {self.total:,} jobs were done before")
        return self._counts[FAILED]

    def _tasks(self, jobs: Iterable[Job]) -> Iterator[Task]:
        """The jobs that are left to do; the backend takes one when it has room."""
        for job in jobs:
            if job.key in self._jobs:
                continue
            self._jobs[job.key] = job
            if job.config is None:
                self._end(job.key, State(FAILED, error=job.error))
            elif stored.is_finished(self.folder, job.key) and not self.force:
                self._counts[FINISHED] += 1
                self.before += 1
                self.on_end(job, State(FINISHED))
            else:
                if self.force:
                    self._discard(job)
                for damage in stored.damage(self.folder, job.key):
                    progress.say(f"{damage}; its job is done again")
                config = replace(job.config, force=False)
                log = stored.log_path(self.folder, job.key)
                yield Task(job.key, config, job.command, log, self.work, job.trial)

    def _discard(self, job: Job) -> None:
        """For force=true: remove the job's runs and models, each once in this sweep, so that jobs
        with the same model train it once."""
        assert job.identity is not None
        outputs = self.folder.parent.parent
        runs = {outputs / "runs" / name for name in (*job.identity.parts, job.key)}
        models = {outputs / "models" / name for name in job.identity.models}
        for path in sorted((runs | models) - self._discarded):
            self._discarded.add(path)
            if path.exists():
                with lock.holding(path.with_name(f"{path.name}.lock"), path.name):
                    shutil.rmtree(path)

    def _checked(self, key: str, state: State) -> State:
        """The state of a job that ended; it has failed if it left no run of its key."""
        if state.state != FINISHED or stored.is_finished(self.folder, key):
            return state
        error = f"it did not leave the run {key}: the text or a plugin changed while the sweep "
        return State(FAILED, error=f"{error}was running; repeat the command")

    def _end(self, key: str, state: State) -> None:
        job = self._jobs[key]
        stored.write_state(self.folder, key, state)
        self._counts[state.state] += 1
        if state.state == FAILED:
            values = (f"{name}={job.settings.get(name)}" for name in self.parameters)
            settings = stored.unquoted(" ".join(values))
            log = stored.log_path(self.folder, key)
            output = f" (its output: {log})" if log.exists() else ""
            progress.say(f"job failed: {settings}: {state.error}{output}")
            if state.trace:
                progress.say(state.trace.rstrip())
        self.on_end(job, state)
        self._show(key)

    def _show(self, changed: str) -> None:
        self._page.changed(changed)
        self._show_counts()

    def _show_counts(self) -> None:
        over = sum(self._counts[state] for state in (FINISHED, FAILED, PRUNED))
        states = (RUNNING, FAILED, PRUNED)
        self._bar.update(
            over, ", ".join(f"{self._counts[s]} {s}" for s in states if self._counts[s])
        )
