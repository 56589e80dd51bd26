"""Where the jobs of a sweep run: Hydra's launchers, `launcher=sequential` and its like.

Hydra imports this at every start, so torch, ray and submitit are imported when they are needed.
"""

from __future__ import annotations

import os
import shlex
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from nextchar.config import ConfigError
from nextchar.results.sweep import Plan, State
from nextchar.runtime import progress
from nextchar.sweeps import scheduler
from nextchar.sweeps.composing import Composer
from nextchar.sweeps.jobs import Job, SweepFailedError, Task
from nextchar.sweeps.processes import Event, run_each


class SweepLauncher(Launcher):
    """What the launchers share: composing, the plan, the drive, the summary.

    A subclass says where tasks are done, in `backend`.
    """

    def __init__(self, work: str) -> None:
        self._work = work

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra. The task function is that of one run, which `work` does here."""
        self._config = config
        self.composer = Composer(hydra_context.config_loader, config)
        self.folder = _folder(config)
        self.command = shlex.join(["nextchar-run", "-m", *config.hydra.overrides.task])

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """A grid: do the jobs that these overrides make, and gather what the sweep has found."""
        from nextchar.sweeps import summarize

        made = [self.composer.job(overrides) for overrides in job_overrides]
        with scheduler.alone(self.folder):
            plan = scheduler.planned(self.folder.name, self.command, made)
            summarize.plan(self.folder, plan)
            try:
                failed = self.drive(made, plan, total=len({job.key for job in made}))
            finally:
                self.gather()
        return [_answer(failed, len(made))]

    def gather(self) -> None:
        """Write what the sweep has found, whole or not, and say where."""

        from nextchar.sweeps import summarize

        print(f"report: {summarize.gather(self.folder, at_work=False)}")

    def drive(
        self,
        made: Iterable[Job],
        plan: Plan,
        total: int,
        *,
        before: int = 0,
        on_end: Callable[[Job, State], None] = lambda job, state: None,
    ) -> int:
        """Do the jobs; how many of them failed."""
        with progress.interruptible(force=self._config.force):
            return scheduler.drive(
                self.folder,
                made,
                self.backend,
                total=total,
                named=plan.parameters,
                before=before,
                force=self._config.force,
                work=self._work,
                on_end=on_end,
            )

    @abstractmethod
    def backend(self, tasks: Iterator[Task]) -> Generator[Event, None, None]:
        """Do the tasks, and say of each when it starts and how it ends."""

    @property
    def threads(self) -> int:
        """Threads of one job: part of what decides its bits, so no launcher changes it."""
        return int(self._config.threads)


def _folder(config: DictConfig) -> Path:
    """The sweep's folder. It lies beside the runs that it links to."""
    folder, outputs = Path(config.hydra.sweep.dir), Path(config.paths.outputs)
    if folder.parent != outputs / "sweeps":
        raise ConfigError(
            f"hydra.sweep.dir={folder}: must be a folder of paths.outputs/sweeps, {outputs}/sweeps"
        )
    return folder.absolute()


def _answer(failed: int, total: int) -> JobReturn:
    """What Hydra's sweeper looks at: it raises the return value of what has failed."""
    if not failed:
        return JobReturn(status=JobStatus.COMPLETED, _return_value=None)
    error = SweepFailedError(
        f"{failed} of {total} jobs failed, their errors are above and in the summary; the same "
        "command does these again, and no other"
    )
    return JobReturn(status=JobStatus.FAILED, _return_value=error)


class Sequential(SweepLauncher):
    """One job after the other, each in a process of its own."""

    def backend(self, tasks: Iterator[Task]) -> Generator[Event, None, None]:
        yield from run_each(tasks, 1)


class Parallel(SweepLauncher):
    """Several jobs at once on this machine, as many as its cores have threads for."""

    def __init__(self, work: str, at_once: int | None) -> None:
        super().__init__(work)
        if at_once is not None and not (isinstance(at_once, int) and at_once >= 1):
            raise ConfigError(
                f"hydra.launcher.at_once={at_once}: must be a whole number of at least 1, or null"
            )
        self._at_once = at_once

    def backend(self, tasks: Iterator[Task]) -> Generator[Event, None, None]:
        yield from run_each(tasks, self._at_once or max(1, _cores() // self.threads))


class Ray(SweepLauncher):
    """Tasks of a Ray cluster, which may span machines without a common disk."""

    def __init__(self, work: str, cpus: float | None, **cluster: Any) -> None:
        super().__init__(work)
        self._cpus, self._cluster = cpus, cluster

    def backend(self, tasks: Iterator[Task]) -> Generator[Event, None, None]:
        from nextchar.sweeps import on_ray

        cpus = self.threads if self._cpus is None else self._cpus
        yield from on_ray.run_each(tasks, on_ray.Cluster(cpus=cpus, **self._cluster))


class Slurm(SweepLauncher):
    """Jobs in Slurm's queue, by submitit."""

    def __init__(
        self,
        work: str,
        executor: str,
        at_once: int,
        poll_seconds: float,
        parameters: dict[str, Any],
    ) -> None:
        super().__init__(work)
        self._executor, self._at_once = executor, at_once
        self._poll_seconds, self._parameters = poll_seconds, dict(parameters)

    def backend(self, tasks: Iterator[Task]) -> Generator[Event, None, None]:
        from nextchar.sweeps import on_slurm

        yield from on_slurm.run_each(
            tasks,
            folder=self.folder / "submitit",
            executor=self._executor,
            at_once=self._at_once,
            poll_seconds=self._poll_seconds,
            parameters={"cpus_per_task": self.threads, **self._parameters},
        )


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


LAUNCHERS: tuple[type[SweepLauncher], ...] = (Sequential, Parallel, Ray, Slurm)
