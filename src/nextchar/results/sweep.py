"""What a sweep leaves on disk, written and read in one place.

outputs/sweeps/<name>/
    sweep.json         the plan: the command, which parameters vary, and every job's values
    jobs/<key>.log     the output of a job; <key> is the folder of its run in outputs/runs
    jobs/<key>.json    the state of a job that is not finished: running, failed or pruned
    summary.csv        one row per job: parameters, status, metrics with intervals; no times
    timings.csv        one row per job: its state and how long its run took
    plots/, report.html

sweep.json and the states hold their own sha256. A job is finished when its run is
(outputs/runs/<key>/DONE), whoever made the run, and what the sweep reads of it is whole.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nextchar import results
from nextchar.results import HUMAN, Metric, MetricInfo, read_json
from nextchar.runtime import checked, progress
from nextchar.runtime.checked import DamagedError

PLAN, JOBS, SUMMARY, TIMES = "sweep.json", "jobs", "summary.csv", "timings.csv"

PENDING, RUNNING, FINISHED = "pending", "running", "done"
FAILED, PRUNED, STOPPED = "failed", "pruned", "stopped"
"""States of a job; a stopped one was running when its sweep ended, and starts again with it."""

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

    `objectives` are the metrics that a search optimises, each with its aim: minimize, maximize, or
    human (as close to human text as possible); a grid has none. `importance` is how much each
    parameter of a search decides whether a trial is among the best, as shares. `study` identifies
    the search: its space, objectives and the rest of its config.
    """

    name: str
    command: str
    parameters: tuple[str, ...]
    fixed: tuple[str, ...]
    jobs: tuple[PlannedJob, ...]
    objectives: Mapping[str, str] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)
    study: str | None = None


@dataclass(frozen=True)
class State:
    """The state of one job, and if it failed its error and the traceback or last output."""

    state: str
    error: str | None = None
    trace: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class SweepJob:
    """One job of a sweep as it lies on disk: number and values in the plan, state, results.

    `pooled`: its run pools seeds, so its intervals include the variation between trainings.
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
    def run(self) -> str | None:
        """The folder of its run in outputs/runs, if it is finished."""
        return self.planned.key if self.state.state == FINISHED else None

    @property
    def samplers(self) -> list[str]:
        """Labels of the samplers that the job compared."""
        return list(dict.fromkeys(row.sampler for row in self.metrics if row.sampler != HUMAN))

    def value(self, sampler: str, metric: str) -> Metric | None:
        """The row of one sampler and metric, or None; an empty label means the only sampler."""
        label = sampler or next(iter(self.samplers), "")
        return results.find_row(self.metrics, label, metric)

    def score(self, metric: str, aim: str) -> float | None:
        """An objective of a search: a metric averaged over the job's samplers, or with the aim
        `human` its distance from human text; None if the job does not have it."""
        if metric == "validation_loss":
            return self.validation_loss
        found = [self.value(sampler, metric) for sampler in self.samplers]
        values = [each.value for each in found if each is not None]
        human = self.value(HUMAN, metric)
        if aim == "human":
            values = [abs(value - human.value) for value in values] if human else []
        mean = math.fsum(values) / len(values) if values else math.nan
        return mean if math.isfinite(mean) else None


@dataclass(frozen=True)
class Sweep:
    """A sweep as it lies on disk, finished or not: everything that its plots and report read."""

    folder: Path
    plan: Plan
    rows: Sequence[SweepJob]

    def info(self, metric: str) -> MetricInfo:
        """Title and description of the metric, from the first job that has it."""
        if metric == "validation_loss":
            unit = "nats per character"
            return MetricInfo(name=metric, unit=unit, short="loss", long="validation loss")
        rows = (row.definitions for row in self.rows if metric in row.definitions)
        return results.info_of(next(rows, {}), metric)

    def count(self, state: str) -> int:
        """How many jobs are in this state."""
        return sum(row.state.state == state for row in self.rows)

    def values(self, row: SweepJob) -> dict[str, str]:
        """The parameters of a job, for people."""
        values = map(unquoted, row.planned.values)
        return dict(zip(self.plan.parameters, values, strict=True))


def unquoted(written: str) -> str:
    """A value, or a setting, of a command line without the quotes that Hydra's grammar needs:
    `path='a b.txt'` is path=a b.txt, `["x","y"]` is [x,y]."""
    quoted = r"""(?P<mark>['"])(?P<text>(?:\\.|(?!(?P=mark)).)*)(?P=mark)"""
    return re.sub(
        quoted,
        lambda each: re.sub(rf"\\({each['mark']})", r"\1", each["text"]),
        written,
        flags=re.S,
    )


def write_plan(folder: Path, plan: Plan) -> None:
    """Write sweep.json."""
    checked.write_json(folder / PLAN, asdict(plan))


def read_plan(folder: Path) -> Plan:
    """Read sweep.json. Raises DamagedError if it is not what was written."""
    stored = checked.read_json(folder / PLAN, "repeat the sweep's command, which writes it again")
    jobs = tuple(PlannedJob(job["key"], tuple(job["values"])) for job in stored.pop("jobs"))
    parameters, fixed = tuple(stored.pop("parameters")), tuple(stored.pop("fixed"))
    return Plan(jobs=jobs, parameters=parameters, fixed=fixed, **stored)


def write_state(folder: Path, key: str, state: State) -> None:
    """Record the state of a job; that of a finished one is its run."""
    path = folder / JOBS / f"{key}.json"
    if state.state == FINISHED:
        path.unlink(missing_ok=True)
    else:
        checked.write_json(path, asdict(state))


def read_state(folder: Path, key: str) -> State:
    """The state of a job; without its run a finished job is pending again.

    What is damaged is said, and is the error of a job that counts as failed.
    """
    path = folder / JOBS / f"{key}.json"
    try:
        if checked.is_finished(_run(folder, key)):
            checked.check(_run(folder, key), *results.OF_A_JOB, all_files=False)
            return State(FINISHED)
        if not path.exists():
            return State(PENDING)
        return State(**checked.read_json(path, "delete it, or repeat the sweep's command"))
    except DamagedError as damage:
        progress.say(f"warning: {damage}")
        return State(FAILED, error=str(damage))


def is_finished(folder: Path, key: str) -> bool:
    """Whether the run of this job of the sweep in `folder` is finished, and not damaged."""
    return checked.is_finished(_run(folder, key)) and not damage(folder, key)


def damage(folder: Path, key: str) -> list[DamagedError]:
    """What is wrong with the finished run of a job, as far as a sweep reads it."""
    run = _run(folder, key)
    if not checked.is_finished(run):
        return []
    return checked.damage(run, *results.OF_A_JOB, all_files=False)


def log_path(folder: Path, key: str) -> Path:
    """Where a job's output goes."""
    return folder / JOBS / f"{key}.log"


def read_sweep(folder: Path, *, at_work: bool = False) -> Sweep:
    """The sweep in `folder`, from what is on disk; `at_work`: a process is running it."""
    plan = read_plan(folder)
    jobs = [read_job(folder, index, job, at_work=at_work) for index, job in enumerate(plan.jobs)]
    return Sweep(folder, plan, jobs)


def read_job(folder: Path, index: int, job: PlannedJob, *, at_work: bool = False) -> SweepJob:
    """One job of the sweep in `folder`."""
    state = read_state(folder, job.key)
    if state.state == RUNNING and not at_work:
        state = State(STOPPED)
    if state.state != FINISHED:
        return SweepJob(index, job, state)
    run = _run(folder, job.key)
    facts = read_json(run / results.MANIFEST)
    return SweepJob(
        job=index,
        planned=job,
        state=State(FINISHED, seconds=_seconds(facts)),
        validation_loss=facts["model"]["validation_loss"],
        best_validation_loss=facts["model"]["best_validation_loss"],
        model=" ".join(results.model_ids(facts)),
        pooled="runs" in facts,
        code=facts["code"]["sha256"],
        substituted=facts.get("corpus", {}).get("substituted"),
        metrics=results.read_metrics(run / results.METRICS),
        definitions=results.read_definitions(run),
    )


def _run(folder: Path, key: str) -> Path:
    return folder.parent.parent / "runs" / key


def _seconds(facts: Mapping[str, Any]) -> float | None:
    """How long a run took, by the times in its manifest."""
    times = facts.get("times")
    if times is None:
        return None
    started, finished = (datetime.fromisoformat(times[name]) for name in ("started", "finished"))
    return (finished - started).total_seconds()
