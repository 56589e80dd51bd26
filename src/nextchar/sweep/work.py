"""What one job does, inside a process of its own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from nextchar.config import Config
from nextchar.sweep.jobs import Trial

COMPUTE = "nextchar.sweep.work:compute"
"""The name of what a job does, unless another is given."""


class PrunedError(RuntimeError):
    """The search has seen enough of this training."""


def compute(asked: Config, command: str, trial: Trial | None) -> str:
    """Do the run, or find it done; the name of its folder in outputs/runs.

    Raises PrunedError where the search that the job belongs to gives it up.
    """
    from nextchar import experiment

    if trial is None:
        return experiment.run(asked, command).folder.name
    from nextchar.sweep.pruning import reporting

    return experiment.run(asked, command, on_record=reporting(trial)).folder.name


def named(name: str) -> Callable[[Config, str, Trial | None], Any]:
    """The function behind `module:function`."""
    module, _, function = name.partition(":")
    work: Callable[[Config, str, Trial | None], Any] = getattr(
        importlib.import_module(module), function
    )
    return work
