"""What a sweep leaves on disk, written and read in one place.

outputs/sweeps/<name>/
    sweep.json         the plan: the command, which parameters vary, and every job's values
    jobs/<key>.json    how a job stands, written by whoever started it; <key> is the hash of the
                       job's scientific config, so that any command and launcher finds it again
    jobs/<key>.log     what the job said
    jobs/<key>         a link to its run, in outputs/runs
    summary.csv        a row a job: parameters, status, metrics with intervals; no times in it
    timings.csv        a row a job: its state and how long it took
    plots/, report.html
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nextchar.results import (
    DONE,
    HUMAN,
    MANIFEST,
    METRICS,
    Metric,
    MetricInfo,
    info_of,
    model_ids,
    read_definitions,
    read_json,
    read_metrics,
    write_json,
)
from nextchar.runtime import files

PLAN, JOBS, SUMMARY, TIMES = "sweep.json", "jobs", "summary.csv", "timings.csv"

PENDING, RUNNING, FINISHED, FAILED, PRUNED, STOPPED = (
    "pending",
    "running",
    "done",
    "failed",
    "pruned",
    "stopped",
)
"""States of a job; a stopped one was at work when its sweep ended, and starts again with it."""

SEED = "seed"
"""The parameter whose values are repetitions of the same experiment."""


@dataclass(frozen=True)
class PlannedJob:
    """A job of the plan; `values` are those of the plan's parameters, as they were written."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What a sweep is going to do, or has done.

    `objectives` are the figures that a search looks at, each with its aim: minimize, maximize, or
    human (as close to human text as can be); a grid has none. `importance` is how much
    each parameter of a search has to do with being among its best trials, as shares.
    """

    name: str
    command: str
    parameters: tuple[str, ...]
    fixed: tuple[str, ...]
    jobs: tuple[PlannedJob, ...]
    objectives: Mapping[str, str] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """How one job stands. `run` is the name of its folder in outputs/runs."""

    state: str
    run: str | None = None
    error: str | None = None
    trace: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Row:
    """One job of a summary: its place in the plan, what it set, how it stands, what it found.

    `pooled`: it pools seeds, and its intervals hold for training again.
    """

    job: int
    planned: PlannedJob
    state: State
    validation_loss: float | None = None
    best_validation_loss: float | None = None
    model: str | None = None
    code: str | None = None
    substituted: str | None = None
    metrics: Sequence[Metric] = ()
    definitions: Mapping[str, MetricInfo] = field(default_factory=dict)
    pooled: bool = False

    @property
    def samplers(self) -> list[str]:
        """Labels of the samplers that the job compared."""
        return list(dict.fromkeys(row.sampler for row in self.metrics if row.sampler != HUMAN))

    def value(self, sampler: str, metric: str) -> Metric | None:
        """One figure of the job, or None."""
        for row in self.metrics:
            if (row.sampler, row.metric) == (sampler, metric):
                return row
        return None

    def score(self, figure: str, aim: str) -> float | None:
        """An objective of a search: a figure, averaged over the job's samplers, or how far it is
        from that of human text; None where the job has none."""
        if figure == "validation_loss":
            return self.validation_loss
        found = [self.value(sampler, figure) for sampler in self.samplers]
        values = [each.value for each in found if each is not None]
        human = self.value(HUMAN, figure)
        if aim == "human":
            values = [abs(value - human.value) for value in values] if human else []
        mean = sum(values) / len(values) if values else math.nan
        return mean if math.isfinite(mean) else None


@dataclass(frozen=True)
class Sweep:
    """A sweep as it lies on disk, finished or not: all that its plots and its report read."""

    folder: Path
    plan: Plan
    rows: Sequence[Row]

    def info(self, metric: str) -> MetricInfo:
        """What the metric is called and what it says, by the first job that has it."""
        if metric == "validation_loss":
            unit = "nats per character"
            return MetricInfo(name=metric, unit=unit, short="loss", long="validation loss")
        rows = (row.definitions for row in self.rows if metric in row.definitions)
        return info_of(next(rows, {}), metric)

    def count(self, state: str) -> int:
        """How many jobs are in this state."""
        return sum(row.state.state == state for row in self.rows)

    def values(self, row: Row) -> dict[str, str]:
        """The parameters of a job."""
        return dict(zip(self.plan.parameters, row.planned.values, strict=True))


def write_plan(folder: Path, plan: Plan) -> None:
    """Write sweep.json."""
    write_json(folder / PLAN, asdict(plan))


def read_plan(folder: Path) -> Plan:
    """Read sweep.json."""
    stored = read_json(folder / PLAN)
    jobs = tuple(PlannedJob(job["key"], tuple(job["values"])) for job in stored.pop("jobs"))
    parameters, fixed = tuple(stored.pop("parameters")), tuple(stored.pop("fixed"))
    return Plan(jobs=jobs, parameters=parameters, fixed=fixed, **stored)


def write_state(folder: Path, key: str, state: State) -> None:
    """Write how a job stands, and where it is done the link to its run."""
    jobs = folder / JOBS
    if state.state == FINISHED and state.run is not None:
        with files.replacing(jobs / key) as link:
            link.symlink_to(Path(os.pardir, os.pardir, os.pardir, "runs", state.run))
    write_json(jobs / f"{key}.json", asdict(state))


def read_state(folder: Path, key: str) -> State:
    """How a job stands; a finished one whose run is gone from outputs/runs is pending again."""
    path = folder / JOBS / f"{key}.json"
    if not path.exists():
        return State(PENDING)
    state = State(**read_json(path))
    if state.state == FINISHED and not (run_folder(folder, state) / DONE).exists():
        return State(PENDING)
    return state


def run_folder(folder: Path, state: State) -> Path:
    """The folder of a finished job's run, for the sweep in `folder`."""
    assert state.run is not None
    return folder.parent.parent / "runs" / state.run


def log_path(folder: Path, key: str) -> Path:
    """Where a job's output goes."""
    return folder / JOBS / f"{key}.log"


def read_sweep(folder: Path, *, at_work: bool = False) -> Sweep:
    """The sweep in `folder`, from what is on disk; `at_work`: somebody is running it."""
    plan = read_plan(folder)
    rows = [_row(folder, number_, job, at_work) for number_, job in enumerate(plan.jobs)]
    return Sweep(folder, plan, rows)


def _row(folder: Path, number_: int, job: PlannedJob, at_work: bool) -> Row:
    state = read_state(folder, job.key)
    if state.state == RUNNING and not at_work:
        state = State(STOPPED)
    if state.state != FINISHED:
        return Row(number_, job, state)
    return read_finished(folder, number_, job, state)


def read_finished(folder: Path, number_: int, job: PlannedJob, state: State) -> Row:
    """The row of a job that is done, of the sweep in `folder`."""
    run = run_folder(folder, state)
    facts = read_json(run / MANIFEST)
    return Row(
        job=number_,
        planned=job,
        state=state,
        validation_loss=facts["model"]["validation_loss"],
        best_validation_loss=facts["model"]["best_validation_loss"],
        model=" ".join(model_ids(facts)),
        pooled="runs" in facts,
        code=facts["code"]["sha256"],
        substituted=facts.get("corpus", {}).get("substituted"),
        metrics=read_metrics(run / METRICS),
        definitions=read_definitions(run),
    )
