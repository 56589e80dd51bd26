"""Jobs handed to Slurm by submitit, on a disk that all nodes share; or to its local executor."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nextchar.config import ConfigError
from nextchar.results.sweep import FAILED, State
from nextchar.sweeps.jobs import Task
from nextchar.sweeps.processes import Ended, Event, Started, run_one

EXECUTORS = ("slurm", "local", "debug")


def run_each(
    tasks: Iterator[Task],
    *,
    folder: Path,
    executor: str,
    at_once: int,
    parameters: Mapping[str, Any],
    poll_seconds: float,
) -> Generator[Event, None, None]:
    """Do the tasks as jobs of Slurm, so many in its queue at once; its files go to `folder`.

    When the iteration is given up, the jobs are cancelled. Jobs whose driver was killed go on, and
    the next driver's wait for them and find them done (nextchar.runtime.lock).
    """
    queue = _executor(folder, executor, parameters)
    submitted: dict[str, tuple[Task, Any]] = {}
    try:
        while True:
            while len(submitted) < at_once and (task := next(tasks, None)) is not None:
                submitted[task.key] = task, queue.submit(run_one, _absolute(task))
                yield Started(task.key)
            if not submitted:
                return
            ended = [key for key, (_, job) in submitted.items() if job.done()]
            for key in ended:
                yield Ended(key, _state(submitted.pop(key)[1]))
            if not ended:
                time.sleep(poll_seconds)
    finally:
        for _, job in submitted.values():
            job.cancel()


def _executor(folder: Path, executor: str, parameters: Mapping[str, Any]) -> Any:
    try:
        import submitit
    except ImportError as missing:
        raise ConfigError(
            "launcher=slurm: submitit is not installed; pip install 'nextchar[slurm]'"
        ) from missing
    if executor not in EXECUTORS:
        raise ConfigError(
            f"hydra.launcher.executor={executor}: must be one of {', '.join(EXECUTORS)}"
        )
    try:
        queue = submitit.AutoExecutor(folder=folder, cluster=executor)
        queue.update_parameters(**parameters)
    except (RuntimeError, ValueError, NameError, TypeError) as error:
        first = str(error).strip().splitlines()[0]
        raise ConfigError(f"hydra.launcher.executor={executor}: {first}") from error
    return queue


def _absolute(task: Task) -> Task:
    """The task with paths that hold wherever a node starts."""
    paths = task.asked.paths
    here = replace(
        paths, data=str(Path(paths.data).absolute()), outputs=str(Path(paths.outputs).absolute())
    )
    return replace(task, asked=replace(task.asked, paths=here))


def _state(job: Any) -> State:
    """What the job's own process said of it, or that the node did not get so far."""
    try:
        state = job.result()
    except Exception as error:  # submitit raises what it finds: a lost node, a limit, a bad pickle
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        return State(FAILED, error=f"Slurm lost it: {type(error).__name__}: {first}")
    assert isinstance(state, State)
    return state
