"""The summary of a sweep as files: a row a job."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from nextchar.results import HUMAN, number
from nextchar.results.sweep import Row, Sweep


def columns(rows: Iterable[Row]) -> list[tuple[str, str, str]]:
    """Sampler, metric and column name of every figure, in the order of the jobs, human text last.

    The sampler stands in the name only where it is needed: a job that compares several, or human
    text. With one sampler a job, each has the same columns, whichever its sampler is.
    """
    rows = list(rows)
    alone = all(len(row.samplers) <= 1 for row in rows)
    found: dict[str, tuple[str, str]] = {}
    for row in rows:
        for figure in row.metrics:
            human = figure.sampler == HUMAN
            sampler = "" if alone and not human else figure.sampler
            name = f"{figure.metric}[{sampler}]" if sampler else figure.metric
            found.setdefault(name, (sampler, figure.metric))
    ours = [(sampler, metric, name) for name, (sampler, metric) in found.items()]
    return sorted(ours, key=lambda column: column[0] == HUMAN)


def summary_csv(sweep: Sweep) -> str:
    """summary.csv: the same jobs give the same bytes, whoever computed them, and when."""
    figures = columns(sweep.rows)
    header = ["job", *sweep.plan.parameters, "status", "validation_loss", "best_validation_loss"]
    for _, _, name in figures:
        header += [name, f"{name}_low", f"{name}_high"]
    lines = [[*header, "model", "run", "error"]]
    for row in sweep.rows:
        line = [str(row.job), *row.planned.values, row.state.state]
        line += [number(row.validation_loss), number(row.best_validation_loss)]
        for sampler, metric, _ in figures:
            figure = row.value(sampler or next(iter(row.samplers), ""), metric)
            line += (
                ["", "", ""]
                if figure is None
                else [number(figure.value), number(figure.low), number(figure.high)]
            )
        lines.append([*line, row.model or "", row.state.run or "", row.state.error or ""])
    return _csv(lines)


def timings_csv(sweep: Sweep) -> str:
    """timings.csv: what summary.csv must not hold."""
    lines = [["job", "key", "status", "seconds"]]
    for row in sweep.rows:
        state = row.state
        lines.append([str(row.job), row.planned.key, state.state, number(state.seconds)])
    return _csv(lines)


def _csv(lines: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
