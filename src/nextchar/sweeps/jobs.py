"""The jobs of a sweep: each is one run, known by the name of its folder in outputs/runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nextchar.config import Config
from nextchar.experiment.identity import Identity
from nextchar.results.sweep import PlannedJob


class SweepFailedError(RuntimeError):
    """The sweep has ended and some of its jobs failed; each error was printed when it occurred."""


class PrunedError(RuntimeError):
    """The search stopped this training, because its losses are behind those of other trials."""


@dataclass(frozen=True)
class Trial:
    """Where a job of a search reports its validation losses, so that it can be pruned."""

    journal: str
    study: str
    number: int
    startup: int


@dataclass(frozen=True)
class Job:
    """One config of a sweep. If it is impossible, `config` is None and `error` says why.

    `key` is the name of its run's folder (of an impossible one, a hash of what it sets);
    `settings` are the overrides by key, as they were written.
    """

    key: str
    settings: Mapping[str, str]
    command: str
    config: Config | None = None
    identity: Identity | None = None
    error: str | None = None
    trial: Trial | None = None

    def planned(self, parameters: Sequence[str]) -> PlannedJob:
        """The job in a plan of these parameters."""
        return PlannedJob(self.key, tuple(self.settings.get(name, "") for name in parameters))


@dataclass(frozen=True)
class Task:
    """All that a process on any machine needs to do a job; `work` is its function,
    `module:function`, which must leave a finished run with the folder name `key`."""

    key: str
    config: Config
    command: str
    log: Path
    work: str
    trial: Trial | None = None


def settings(overrides: Sequence[str]) -> dict[str, str]:
    """Overrides by key: `+a.b=1` sets a.b to 1, `~a` sets a to an empty string."""
    pairs = (re.sub(r"^(\+{1,2}|~)", "", override).partition("=") for override in overrides)
    return {name: value for name, _, value in pairs}
