"""The summary of a sweep as CSV: one row per job."""

from __future__ import annotations

from collections.abc import Iterable

from nextchar.results import HUMAN, number
from nextchar.results.schema import as_csv
from nextchar.results.sweep import Sweep, SweepJob


def columns(rows: Iterable[SweepJob]) -> list[tuple[str, str, str]]:
    """Sampler, metric and column name of every metric, in the order of the jobs, human text last.

    If each job has only one sampler, the names do not contain it, so that all jobs share the same
    columns; human text is always named.
    """
    rows = list(rows)
    single = all(len(row.samplers) <= 1 for row in rows)
    found: dict[str, tuple[str, str]] = {}
    for row in rows:
        for figure in row.metrics:
            human = figure.sampler == HUMAN
            sampler = "" if single and not human else figure.sampler
            name = f"{figure.metric}[{sampler}]" if sampler else figure.metric
            found.setdefault(name, (sampler, figure.metric))
    ours = [(sampler, metric, name) for name, (sampler, metric) in found.items()]
    return sorted(ours, key=lambda column: column[0] == HUMAN)


def summary_csv(sweep: Sweep) -> str:
    """summary.csv: the same jobs give the same bytes, wherever and whenever they ran."""
    figures = columns(sweep.rows)
    header = ["job", *sweep.plan.parameters, "status", "validation_loss", "best_validation_loss"]
    for _, _, name in figures:
        header += [name, f"{name}_low", f"{name}_high"]
    lines = [[*header, "model", "run", "error"]]
    for row in sweep.rows:
        line = [str(row.job), *sweep.values(row).values(), row.state.state]
        line += [number(row.validation_loss), number(row.best_validation_loss)]
        for sampler, metric, _ in figures:
            figure = row.value(sampler, metric)
            line += [number(getattr(figure, name, None)) for name in ("value", "low", "high")]
        lines.append([*line, row.model or "", row.run or "", row.state.error or ""])
    return as_csv(lines)


def timings_csv(sweep: Sweep) -> str:
    """timings.csv: the times, which summary.csv must not contain."""
    lines = [["job", "key", "status", "seconds"]]
    for row in sweep.rows:
        state = row.state
        lines.append([str(row.job), row.planned.key, state.state, number(state.seconds)])
    return as_csv(lines)
