"""The jobs of a sweep, each known by the hash of its scientific config."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nextchar import config
from nextchar.config import Config, CorpusConfig


class SweepFailedError(RuntimeError):
    """A sweep is over, and some of its jobs have failed; each has said why, in its place."""


@dataclass(frozen=True)
class Trial:
    """Where a job of a search reports its training, so that a hopeless one can be stopped."""

    journal: str
    study: str
    number: int
    startup: int


@dataclass(frozen=True)
class Job:
    """One config of a sweep. Where it is impossible, `asked` is None and `error` says why.

    `settings` are the job's overrides, by key, as they were written.
    """

    key: str
    settings: Mapping[str, str]
    command: str
    asked: Config | None = None
    error: str | None = None
    trial: Trial | None = None


@dataclass(frozen=True)
class Task:
    """All that a process needs to do a job; it travels between machines.

    `work` names what is done, as module:function. `since` is when the sweep began, in seconds since
    the epoch: with `force`, a model that was trained after it need not be trained again.
    """

    key: str
    asked: Config
    command: str
    log: Path
    work: str
    since: float
    trial: Trial | None = None


def key(asked: Config) -> str:
    """Identity of a job: two jobs with the same key come to the same results.

    Unlike the run's own identity it needs no corpus: the text stands there as its file's hash, or
    as what it is drawn from. So a finished job is found without reading or drawing anything.
    """
    plugins = [plugin.sha256 for plugin in config.load_plugins(asked.plugins)]
    return config.digest(
        {
            "name": asked.name,
            "seed": asked.seed if asked.seeds is None else sorted(asked.seeds),
            "corpus": _text(asked.corpus),
            "model": config.scientific(asked.model),
            "training": config.scientific(asked.training),
            "decoding": config.scientific(asked.decoding),
            "metrics": config.scientific(asked.metrics),
            **({"plugins": plugins} if plugins else {}),
        }
    )


def impossible_key(settings: Mapping[str, str]) -> str:
    """Identity of a job whose config can't be had: what was asked for."""
    return config.digest({"impossible": dict(settings)})


def _text(corpus: CorpusConfig) -> dict[str, Any]:
    """The text by content where it is a file, and what may take its place where there is none."""
    drawn = {"characters": corpus.characters, "seed": corpus.seed}
    split = config.split(corpus)
    if corpus.kind == "grammar":
        return {"kind": "grammar"} | drawn | split
    assert corpus.path is not None
    path = Path(corpus.path)
    if path.is_file():
        return {"sha256": _sha256(path, path.stat().st_mtime_ns)} | split
    return {"missing": corpus.path, "sha256": corpus.sha256, "fallback": corpus.fallback} | (
        drawn | split
    )


@cache
def _sha256(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def settings(overrides: Sequence[str]) -> dict[str, str]:
    """Overrides by key: `+a.b=1` sets a.b to 1, `~a` sets a to nothing."""
    pairs = (re.sub(r"^(\+{1,2}|~)", "", override).partition("=") for override in overrides)
    return {name: value for name, _, value in pairs}


def varying(jobs: Sequence[Job]) -> tuple[str, ...]:
    """The settings that are not the same in every job, in the order in which they were written."""
    names = dict.fromkeys(name for job in jobs for name in job.settings)
    return tuple(name for name in names if len({job.settings.get(name) for job in jobs}) > 1)
