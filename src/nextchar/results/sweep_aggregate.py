"""Figures of a sweep, averaged over its seeds: what its plots and its page show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.stats import t as student

from nextchar.results import HUMAN
from nextchar.results.sweep import FINISHED, SEED, Row, Sweep

SAMPLERS = "decoding.samplers"
VALIDATION = "validation_loss"


@dataclass(frozen=True)
class Average:
    """The mean of one figure over n seeds and its 95% interval.

    With two seeds or more the interval is Student's over the seeds; with one it is the run's own,
    over its texts. The two answer different questions, so a plot says which it shows.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Setting:
    """One choice of the parameters but the seed: as shown, and the jobs that have it."""

    values: tuple[str, ...]
    rows: Sequence[Row]


def parameters(sweep: Sweep) -> list[str]:
    """What varies beside the seed; the seed itself where nothing else does."""
    names = [name for name in sweep.plan.parameters if name != SEED]
    return names or [name for name in sweep.plan.parameters if name == SEED]


def settings(sweep: Sweep) -> list[Setting]:
    """The finished jobs, those that differ only in their seed together, in the plan's order."""
    names = parameters(sweep)
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in sweep.rows:
        if row.state.state == FINISHED:
            values = tuple(shown(sweep, row, name) for name in names)
            groups.setdefault(values, []).append(row)
    return [Setting(values, rows) for values, rows in groups.items()]


def shown(sweep: Sweep, row: Row, name: str) -> str:
    """A parameter's value as people read it: samplers by their labels."""
    if name == SAMPLERS and row.samplers:
        return ", ".join(row.samplers)
    return sweep.values(row)[name]


def average(rows: Sequence[Row], metric: str, sampler: str) -> Average | None:
    """A metric of one sampler over rows that differ in their seed; an empty name means the only
    sampler of each. None where no row has it."""
    figures = []
    for row in rows:
        if metric == VALIDATION:
            loss = row.validation_loss
            figures.append(None if loss is None else (loss, loss, loss))
            continue
        figure = row.value(sampler or next(iter(row.samplers), ""), metric)
        figures.append(None if figure is None else (figure.value, figure.low, figure.high))
    known = [figure for figure in figures if figure is not None and math.isfinite(figure[0])]
    if not known:
        return None
    if len(known) == 1:
        value, low, high = known[0]
        return Average(value, low, high, 1)
    values = [value for value, _, _ in known]
    mean, n = fmean(values), len(values)
    half = float(student.ppf(0.975, n - 1)) * stdev(values) / math.sqrt(n)
    return Average(mean, mean - half, mean + half, n)


def samplers(sweep: Sweep) -> list[str]:
    """Labels to tell apart in a plot; one empty label where each job has but one sampler."""
    rows = [row for row in sweep.rows if row.metrics]
    if all(len(row.samplers) <= 1 for row in rows):
        return [""] if rows else []
    return list(dict.fromkeys(label for row in rows for label in row.samplers))


def metrics(sweep: Sweep) -> list[str]:
    """What there is to look at: every metric, after the loss where trainings are compared."""
    finished = [row for row in sweep.rows if row.state.state == FINISHED]
    names = dict.fromkeys(
        figure.metric for row in finished for figure in row.metrics if figure.sampler != HUMAN
    )
    trains = any(not name.startswith("decoding.") for name in parameters(sweep))
    return [*([VALIDATION] if trains and finished else []), *names]


def as_number(text: str) -> float | None:
    """The value of a parameter as a number: of a sampler, that of its only parameter."""
    try:
        value = float(text.rpartition("=")[2] if text.count("=") == 1 else text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def numbers(values: Sequence[str]) -> list[float] | None:
    """The values as places on an axis, or None where they are names.

    Samplers are numbers only where all have the same single parameter.
    """
    keys = {value.rpartition("=")[0] for value in values}
    found = [as_number(value) for value in values]
    if len(keys) > 1 or any(value is None for value in found):
        return None
    return [value for value in found if value is not None]
