"""The page of a sweep, finished or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nextchar.plots import Drawn
from nextchar.report.page import write_page
from nextchar.results import HUMAN
from nextchar.results import sweep_aggregate as averages
from nextchar.results.sweep import (
    FAILED,
    FINISHED,
    PENDING,
    PRUNED,
    RUNNING,
    STOPPED,
    Sweep,
    SweepJob,
)
from nextchar.results.sweep_aggregate import VALIDATION

SHOWN = 200
"""Jobs that the page's table holds; summary.csv holds all."""
BEST = 5


def write_sweep_report(sweep: Sweep, drawn: Drawn, notices: Sequence[str]) -> Path:
    """Write `<sweep>/report.html` and return its path; `drawn` is what `draw_all` returned."""
    ranked, ranking = _ranked(sweep)
    states = (FINISHED, FAILED, PRUNED, RUNNING, STOPPED, PENDING)
    return write_page(
        sweep.folder,
        "sweep.html.jinja",
        drawn,
        notices,
        plan=sweep.plan,
        counts=[(state, count) for state in states if (count := sweep.count(state))],
        best=[_line(sweep, row) for row in ranked[:BEST]],
        ranking=ranking,
        lines=[_line(sweep, row) for row in sweep.rows[:SHOWN]],
        columns=[sweep.info(metric).long for metric in averages.metrics(sweep)],
    )


def _line(sweep: Sweep, row: SweepJob) -> tuple[SweepJob, Sequence[str], Sequence[str]]:
    """A job as a row of the page, with its parameters and its metrics, means over its samplers."""
    scores = [row.score(metric, "minimize") for metric in averages.metrics(sweep)]
    values = [averages.shown(sweep, row, name) for name in sweep.plan.parameters]
    return row, values, ["–" if score is None else f"{score:.3f}" for score in scores]


def _ranked(sweep: Sweep) -> tuple[list[SweepJob], str]:
    """The finished jobs, the best first, and by what: a search's first objective, else the
    validation loss where it differs, else the distance from human text."""
    finished = [row for row in sweep.rows if row.state.state == FINISHED]
    metrics = averages.metrics(sweep)
    if sweep.plan.objectives:
        metric, aim = next(iter(sweep.plan.objectives.items()))
    elif VALIDATION in metrics:
        metric, aim = VALIDATION, "minimize"
    else:
        human = (name for name in metrics if any(row.value(HUMAN, name) for row in finished))
        metric, aim = next(human, ""), "human"
    sign = -1 if aim == "maximize" else 1
    scored = [(row, score) for row in finished if (score := row.score(metric, aim)) is not None]
    scored.sort(key=lambda pair: (sign * pair[1], pair[0].job))
    words = sweep.info(metric).long + (", closest to human text" if aim == "human" else "")
    return [row for row, _ in scored], words
