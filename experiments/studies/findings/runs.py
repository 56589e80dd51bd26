"""The runs behind docs/findings.md: pooled ones, with the runs of their seeds."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from nextchar.config import ConfigError
from nextchar.metrics.differences import freedom, student
from nextchar.metrics.estimators import RatioEstimator, read_sums
from nextchar.metrics.family_figures import family_figures
from nextchar.metrics.pooling import crossed_weights, pooled
from nextchar.results import SUMS, FamilyFigure, Metric, Run, Truncation, read_run
from studies.findings.finding import Estimate


@dataclass(frozen=True)
class PooledRun:
    """A run that pools several trainings."""

    run: Run

    @cached_property
    def parts(self) -> list[Run]:
        """The runs of the seeds, in ascending order."""
        return [
            read_run(self.run.folder.parent / each["run"]) for each in self.run.manifest["runs"]
        ]

    @property
    def seeds(self) -> int:
        return len(self.run.seeds)

    @property
    def command(self) -> str:
        """How to make it again, without this machine's folders."""
        words = shlex.split(self.run.manifest["command"])[1:]
        kept = [word for word in words if not word.startswith("paths.")]
        return shlex.join(["python", "experiments/run.py", *kept])

    def metric(self, sampler: str, metric: str) -> Metric:
        """A row of metrics.csv. Raises KeyError where there is none."""
        row = self.run.value(sampler, metric)
        if row is None:
            raise KeyError(f"{self.run.folder}: no {metric} of {sampler}")
        return row

    def family(self, kind: str, metric: str, family: str) -> FamilyFigure | None:
        """A row of families.csv, or None where the family has no such point."""
        rows = self.families(kind, metric)
        return next((row for row in rows if row.family == family), None)

    def families(self, kind: str, metric: str) -> list[FamilyFigure]:
        """The rows of families.csv of one comparison, the closest to human text first."""
        found = [r for r in self.run.families if (r.kind, r.metric) == (kind, metric)]
        return sorted(found, key=lambda row: row.distance)

    @cached_property
    def _sums(self) -> list[RatioEstimator]:
        return pooled([read_sums(part.folder / SUMS) for part in self.parts])

    def difference(self, metric: str, first: str, second: str) -> Estimate:
        """The first sampler's (or human text's) value minus the second's, on the same prompts."""
        a, b = (
            next(each for each in self._sums if (each.sampler, each.metric) == (label, metric))
            for label in (first, second)
        )
        resamples = int(self.run.config["metrics"]["resamples"])
        weights = crossed_weights([a, b], self.seeds, resamples, min(self.run.seeds))[a.clusters]
        drawn = (a.resampled(weights) - b.resampled(weights))[:, None]
        least = min(freedom(each, self.seeds) for each in (a, b))
        (value, low, high), _ = student(np.array([a.value - b.value]), drawn, least)
        return Estimate(float(value[0]), float(low[0]), float(high[0]))

    def pair(self, kind: str, metric: str, first: str, second: str) -> list[FamilyFigure]:
        """Two families compared with each other alone: a planned comparison needs no correction.

        The farther one's `level` is its p, its `detectable` what could have been detected.
        """
        resamples, seed = int(self.run.config["metrics"]["resamples"]), min(self.run.seeds)
        names = (first, second)
        rows = family_figures(self._sums, resamples, seed, seeds=self.seeds, only=names)
        return [
            row
            for name in names
            for row in rows
            if (row.kind, row.metric, row.family) == (kind, metric, name)
        ]

    def truncation(self, family: str, parameter: float) -> Truncation:
        """A row of truncation.csv."""
        (row,) = (r for r in self.run.truncation if (r.family, r.parameter) == (family, parameter))
        return row

    def truncation_by_seed(self) -> list[Sequence[Truncation]]:
        """The rows of truncation.csv of each training."""
        return [part.truncation for part in self.parts]


def newest(folder: Path, name: str) -> PooledRun | None:
    """The newest finished run of a name in outputs `folder` that pools several seeds."""
    done = sorted(
        folder.glob(f"runs/{name}-*/DONE"), key=lambda each: each.stat().st_mtime, reverse=True
    )
    runs = (read_run(each.parent.resolve()) for each in done)
    return next((PooledRun(run) for run in runs if run.seeds), None)


def needed(folder: Path, name: str) -> PooledRun:
    """Raises ConfigError where there is none."""
    run = newest(folder, name)
    if run is None:
        raise ConfigError(
            f"OUTPUTS={folder}: no finished run called {name} that pools seeds in "
            f"{folder / 'runs'}; the end of docs/findings.md has the commands"
        )
    return run


def require_same_samplers(found: Sequence[PooledRun]) -> None:
    """Raises ConfigError where the runs, which stand beside each other, compare other samplers."""
    for each in found[1:]:
        if each.run.samplers != found[0].run.samplers:
            raise ConfigError(
                f"{each.run.folder} and {found[0].run.folder} compare other samplers; make both "
                "with the commands at the end of docs/findings.md"
            )
