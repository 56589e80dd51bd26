"""Metrics of a sweep, averaged over its seeds, for its plots and its page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.special import stdtrit

from nextchar.results import HUMAN
from nextchar.results.labels import split_last
from nextchar.results.sweep import FINISHED, SEED, Sweep, SweepJob

SAMPLERS, VALIDATION = "decoding.samplers", "validation_loss"


@dataclass(frozen=True)
class Average:
    """The mean of one metric over n seeds and its 95% interval.

    With two seeds or more it is Student's t interval over the seeds; with one it is the run's own
    interval over its texts. These answer different questions, so a plot says which one it shows.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Setting:
    """One choice of the parameters other than the seed, as shown, and its jobs."""

    values: tuple[str, ...]
    rows: Sequence[SweepJob]


def parameters(sweep: Sweep) -> list[str]:
    """The parameters that vary other than the seed; the seed if nothing else varies."""
    names = [name for name in sweep.plan.parameters if name != SEED]
    return names or [name for name in sweep.plan.parameters if name == SEED]


def settings(sweep: Sweep) -> list[Setting]:
    """The finished jobs, grouped by everything but the seed, in the plan's order."""
    names = parameters(sweep)
    groups: dict[tuple[str, ...], list[SweepJob]] = {}
    for row in sweep.rows:
        if row.state.state == FINISHED:
            values = tuple(shown(sweep, row, name) for name in names)
            groups.setdefault(values, []).append(row)
    return [Setting(values, rows) for values, rows in groups.items()]


def shown(sweep: Sweep, row: SweepJob, name: str) -> str:
    """A parameter's value for people: samplers by their labels."""
    if name == SAMPLERS and row.samplers:
        return ", ".join(row.samplers)
    return sweep.values(row)[name]


def average(rows: Sequence[SweepJob], metric: str, sampler: str) -> Average | None:
    """A metric of one sampler over jobs that differ only in their seed; an empty label means each
    job's only sampler. None if no job has it."""
    if metric == VALIDATION:
        losses = (row.validation_loss for row in rows)
        figures = [(loss, loss, loss) for loss in losses if loss is not None]
    else:
        found = (row.value(sampler, metric) for row in rows)
        figures = [(each.value, each.low, each.high) for each in found if each is not None]
    known = [figure for figure in figures if math.isfinite(figure[0])]
    if len(known) < 2:
        return Average(*known[0], 1) if known else None
    values = [value for value, _, _ in known]
    mean, n = fmean(values), len(values)
    half = float(stdtrit(n - 1, 0.975)) * stdev(values) / math.sqrt(n)
    return Average(mean, mean - half, mean + half, n)


def samplers(sweep: Sweep) -> list[str]:
    """Labels that a plot distinguishes; one empty label if each job has only one sampler."""
    rows = [row for row in sweep.rows if row.metrics]
    if all(len(row.samplers) <= 1 for row in rows):
        return [""] if rows else []
    return list(dict.fromkeys(label for row in rows for label in row.samplers))


def metrics(sweep: Sweep) -> list[str]:
    """Every metric, preceded by the validation loss if trainings are compared."""
    finished = [row for row in sweep.rows if row.state.state == FINISHED]
    names = dict.fromkeys(
        figure.metric for row in finished for figure in row.metrics if figure.sampler != HUMAN
    )
    trains = any(not name.startswith("decoding.") for name in parameters(sweep))
    return [*([VALIDATION] if trains and finished else []), *names]


def numbers(values: Sequence[str]) -> list[float] | None:
    """The values as positions on an axis, or None if they are names.

    Samplers are numbers only if all have the same single parameter.
    """
    pairs = [split_last(value if "=" in value else f"value={value}") for value in values]
    known = [pair for pair in pairs if pair is not None]
    names = {name for name, _ in known}
    if len(known) < len(pairs) or len(names) > 1 or any("=" in name for name in names):
        return None
    positions = [position for _, position in known]
    return positions if all(map(math.isfinite, positions)) else None
