"""Jobs in Slurm's queue, by submitit, on a disk that all nodes share; or by its local executor."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nextchar.config import ConfigError
from nextchar.results.sweep import FAILED, RUNNING, State
from nextchar.sweeps import transfer
from nextchar.sweeps.jobs import Task
from nextchar.sweeps.processes import Event, run_one

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
    """Do the tasks as Slurm jobs, `at_once` in its queue; submitit's files go to `folder`.

    When the generator is closed, the jobs are cancelled. If the sweep's process is killed, its jobs
    go on; those of the next process wait for them and find them finished (nextchar.runtime.lock).
    """
    queue = _executor(folder, executor, parameters)
    submitted: dict[str, Any] = {}
    try:
        while True:
            while len(submitted) < at_once and (task := next(tasks, None)) is not None:
                task = replace(task, config=transfer.absolute_paths(task.config))
                submitted[task.key] = queue.submit(run_one, task)
                yield task.key, State(RUNNING)
            if not submitted:
                return
            ended = [key for key, job in submitted.items() if job.done()]
            for key in ended:
                yield key, _state(submitted.pop(key))
            if not ended:
                time.sleep(poll_seconds)
    finally:
        for job in submitted.values():
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


def _state(job: Any) -> State:
    """The state that the job's process sent, or why there is none."""
    try:
        state = job.result()
    except Exception as error:  # submitit raises for a lost node, a time limit, a bad pickle
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        return State(FAILED, error=f"Slurm lost it: {type(error).__name__}: {first}")
    assert isinstance(state, State)
    return state
