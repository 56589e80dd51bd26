"""What one job does, inside a process of its own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from nextchar.sweeps.jobs import Task

COMPUTE = "nextchar.sweeps.job:compute"
"""The name of what a job does, unless another is given."""


class PrunedError(RuntimeError):
    """The search has seen enough of this training."""


def compute(task: Task) -> str:
    """Do the run, or find it done; the name of its folder in outputs/runs.

    Raises PrunedError where the search that the job belongs to gives it up.
    """
    from nextchar.experiment.run import run_experiment

    if task.trial is None:
        return run_experiment(task.asked, task.command, since=task.since).folder.name
    from nextchar.sweeps.pruning import reporting

    watch = reporting(task.trial)
    return run_experiment(task.asked, task.command, watch, since=task.since).folder.name


def named(name: str) -> Callable[[Task], Any]:
    """The function behind `module:function`."""
    module, _, function = name.partition(":")
    work: Callable[[Task], Any] = getattr(importlib.import_module(module), function)
    return work
