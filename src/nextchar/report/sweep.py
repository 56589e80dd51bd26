"""The page of a sweep, finished or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

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
    SEED,
    STOPPED,
    Sweep,
    SweepJob,
    unquoted,
)
from nextchar.results.sweep_aggregate import VALIDATION

SHOWN = 200
"""Jobs that the page's table holds; summary.csv holds all."""
BEST = 5


@dataclass(frozen=True)
class Ranking:
    """The finished jobs that have a score, the best first, and what the score is.

    Empty where no score can be compared, or where it is the same everywhere.
    """

    jobs: Sequence[tuple[SweepJob, float]]
    words: str
    verdict: str = ""


def write_sweep_report(
    sweep: Sweep, drawn: Drawn, notices: Sequence[str], *, at_work: bool = False
) -> Path:
    """Write `<sweep>/report.html` and return its path; `drawn` is what `draw_all` returned.

    `at_work`: the sweep goes on, so the page loads itself again.
    """
    found, metrics = ranking(sweep), _columns(sweep)
    others = (FAILED, PRUNED, RUNNING, STOPPED, PENDING)
    return write_page(
        sweep.folder,
        "sweep.html.jinja",
        drawn,
        notices,
        plan=sweep.plan,
        at_work=at_work,
        done=sweep.count(FINISHED),
        others=[(state, count) for state in others if (count := sweep.count(state))],
        fixed=[unquoted(setting) for setting in sweep.plan.fixed],
        best=[_line(sweep, row, metrics) for row, _ in found.jobs[:BEST]],
        ranking=found,
        lines=[_line(sweep, row, metrics) for row in sweep.rows[:SHOWN]],
        columns=[sweep.info(metric).long for metric in metrics],
    )


def ranking_text(sweep: Sweep) -> str:
    """The ranking for a terminal: a line a job, the best first; empty where there is none."""
    found = ranking(sweep)
    lines = [
        f"{place:>3}  {score:.4f}  {_settings(sweep.values(row)) or f'job {row.job}'}"
        for place, (row, score) in enumerate(found.jobs[:BEST], 1)
    ]
    more = len(found.jobs) - BEST
    lines += [f"     and {more:,} more"] if more > 0 else []
    return "\n".join([found.words, *lines, *filter(None, [found.verdict])]) if lines else ""


def _columns(sweep: Sweep) -> list[str]:
    """The metrics of the tables; those of samplers only where a job has one: a mean over greedy and
    others says nothing."""
    single = all(len(row.samplers) <= 1 for row in sweep.rows)
    return [name for name in averages.metrics(sweep) if single or name == VALIDATION]


def _line(
    sweep: Sweep, row: SweepJob, metrics: Sequence[str]
) -> tuple[SweepJob, Sequence[str], Sequence[str]]:
    """A job as a row of the page, with its parameters and its metrics."""
    scores = [row.score(metric, "minimize") for metric in metrics]
    values = [averages.shown(sweep, row, name) for name in sweep.plan.parameters]
    return row, values, ["–" if score is None else f"{score:.3f}" for score in scores]


def ranking(sweep: Sweep) -> Ranking:
    """By a search's first objective, else the validation loss where it differs, else, with one
    sampler a job, the distance from human text. Seeds alone are repetitions, and none is best."""
    finished = [row for row in sweep.rows if row.state.state == FINISHED]
    metrics = _columns(sweep)
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
    words = sweep.info(metric).long + (", distance from human text" if aim == "human" else "")
    if metric != VALIDATION and any(len(row.samplers) > 1 for row in finished):
        words += ", mean of the samplers"
    if len({score for _, score in scored}) < 2 or averages.parameters(sweep) == [SEED]:
        return Ranking([], words)
    costs = {row.job: sign * score for row, score in scored}
    return Ranking(scored, words, _verdict(sweep, costs, words))


def _verdict(sweep: Sweep, costs: Mapping[int, float], words: str) -> str:
    """`0.02 beat 0.01 on both seeds`: the best setting and the next, seed by seed.

    `costs` are the scores by job, low being good.
    """
    found = []
    for setting in averages.settings(sweep):
        by_seed = {
            sweep.values(row).get(SEED, ""): costs[row.job]
            for row in setting.rows
            if row.job in costs
        }
        if by_seed:
            found.append((fmean(by_seed.values()), ", ".join(setting.values), by_seed))
    if len(found) < 2:
        return ""
    (_, best, first), (_, next_, second) = sorted(found, key=lambda each: each[0])[:2]
    shared = [first[seed] < second[seed] for seed in first if seed in second]
    if not shared:
        return ""
    if len(shared) == 1:
        seeds = "on the one seed that both have"
    elif all(shared):
        seeds = "on both seeds" if len(shared) == 2 else f"on all {len(shared)} seeds"
    else:
        seeds = f"on {sum(shared)} of {len(shared)} seeds"
    name = " and ".join(averages.parameters(sweep))
    return f"{name}: {best} beat {next_} {seeds} ({words})."


def _settings(values: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())
