"""Where the jobs of a sweep run: Hydra launchers, as in `launcher=sequential`.

Hydra imports this at every start, so torch, ray and submitit are imported only when needed.
"""

from __future__ import annotations

import os
import shlex
from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from nextchar.config import ConfigError, PathsConfig
from nextchar.results.sweep import Plan
from nextchar.runtime import progress
from nextchar.sweeps import scheduler, summarize
from nextchar.sweeps.composing import Composer
from nextchar.sweeps.jobs import Job, Task
from nextchar.sweeps.processes import Event, run_each


class SweepLauncher(Launcher):
    """What all launchers share: the composer, the plan, the scheduler, the summary.

    A subclass does the tasks somewhere, in `backend`.
    """

    def __init__(self, work: str) -> None:
        self._work = work

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra. `work` takes the place of the task function."""
        self._force = bool(config.force)
        self.threads = int(config.threads)  # they affect a job's bits, so no launcher changes them
        self.composer = Composer(hydra_context.config_loader, config)
        PathsConfig(**config.paths)  # before Hydra makes a folder of it
        folder, outputs = Path(config.hydra.sweep.dir), Path(config.paths.outputs)
        if folder.parent != outputs / "sweeps":  # it finds its runs in the same outputs folder
            raise ConfigError(
                f"hydra.sweep.dir={folder}: must be a folder of paths.outputs/sweeps, "
                f"{outputs}/sweeps"
            )
        self.folder = folder.expanduser().absolute()
        self.command = shlex.join(["nextchar-run", "-m", *config.hydra.overrides.task])

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run a grid: the jobs of these overrides, then the summary."""
        jobs = [self.composer.job(overrides) for overrides in job_overrides]
        with scheduler.exclusive(self.folder):
            plan = scheduler.planned(self.folder.name, self.command, jobs)
            summarize.write_plan(self.folder, plan)
            try:
                failed = self.run_jobs(jobs, plan, total=len({job.key for job in jobs}))
            finally:
                summarize.conclude(self.folder)
        scheduler.require_success(failed, f"{len(jobs)} jobs")
        return []

    def run_jobs(self, jobs: Iterable[Job], plan: Plan, total: int, **more: Any) -> int:
        """Do the jobs and return how many failed; `more` are fields of scheduler.Scheduler."""
        work = scheduler.Scheduler(
            self.folder, total, plan.parameters, self._work, force=self._force, **more
        )
        with progress.interruptible(force=self._force):
            return work.run_jobs(jobs, self.backend)

    @abstractmethod
    def backend(self, tasks: Iterator[Task]) -> Generator[Event, None, None]:
        """Do the tasks, and yield an event when each starts and ends."""


class Sequential(SweepLauncher):
    """One job after the other, each in its own process."""

    def backend(self, tasks: Iterator[Task]) -> Generator[Event, None, None]:
        yield from run_each(tasks, 1)


class Parallel(SweepLauncher):
    """Several jobs at once on this machine: by default its cores divided by threads per job."""

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
    """Tasks of a Ray cluster, whose machines need no shared disk."""

    def __init__(self, work: str, cpus: float | None, **cluster: Any) -> None:
        super().__init__(work)
        self._cpus, self._cluster = cpus, cluster

    def backend(self, tasks: Iterator[Task]) -> Generator[Event, None, None]:
        from nextchar.sweeps import on_ray

        cpus = self.threads if self._cpus is None else self._cpus
        cluster = on_ray.Cluster(cpus=cpus, anew=self._force, **self._cluster)
        yield from on_ray.run_each(tasks, cluster)


class Slurm(SweepLauncher):
    """Jobs in Slurm's queue, by submitit."""

    def __init__(self, work: str, parameters: dict[str, Any], **queue: Any) -> None:
        super().__init__(work)
        self._parameters, self._queue = dict(parameters), queue

    def backend(self, tasks: Iterator[Task]) -> Generator[Event, None, None]:
        from nextchar.sweeps import on_slurm

        yield from on_slurm.run_each(
            tasks,
            folder=self.folder / "submitit",
            parameters={"cpus_per_task": self.threads, **self._parameters},
            **self._queue,
        )


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


LAUNCHERS: tuple[type[SweepLauncher], ...] = (Sequential, Parallel, Ray, Slurm)
