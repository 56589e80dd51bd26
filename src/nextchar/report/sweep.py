"""One HTML page that tells a sweep, finished or not: the same style, the best runs linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from nextchar.metrics.catalog import title_of
from nextchar.report.pictures import Picture, data_uri
from nextchar.results import HUMAN, REPORT
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
from nextchar.runtime import files

SHOWN = 200
"""Jobs that the page's table holds; summary.csv holds all."""
BEST = 5

CAPTIONS = {
    "curves": "Every metric against what varies. The dark line is human text, the band its "
    "interval: closest to it is best, not lowest.",
    "heat_maps": "Every metric over the two parameters that vary.",
    "history": "What each trial came to, in their order, and the best so far.",
    "pareto_front": "Two objectives: the marked trials are those that no other beats in both.",
    "parallel_coordinates": "Each job is a line over its parameters.",
    "importance": "How much each parameter has to do with being among the best quarter of the "
    "trials (PED-ANOVA, arXiv 2304.10255).",
}


@dataclass(frozen=True)
class Line:
    """A job as a row of the page: what it set, how it stands, its figures, where its run is."""

    job: int
    values: Sequence[str]
    state: str
    error: str | None
    link: str | None
    figures: Sequence[str]


def write_sweep_report(sweep: Sweep, plots: Mapping[str, Path], notices: Sequence[str]) -> Path:
    """Write `<sweep>/report.html` and return its path; `plots` is what `draw_sweep` returned."""
    environment = Environment(
        loader=PackageLoader("nextchar.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    folder = resources.files("nextchar.report")
    ranked, ranking = _ranked(sweep)
    page = environment.get_template("sweep.html.jinja").render(
        plan=sweep.plan,
        counts=[
            (state, sweep.count(state))
            for state in (FINISHED, FAILED, PRUNED, RUNNING, STOPPED, PENDING)
            if sweep.count(state)
        ],
        notices=notices,
        best=[_line(sweep, row) for row in ranked[:BEST]],
        ranking=ranking,
        lines=[_line(sweep, row) for row in sweep.rows[:SHOWN]],
        columns=[_title(metric) for metric in averages.metrics(sweep)],
        pictures=[
            Picture(name, data_uri(png), CAPTIONS[name], CAPTIONS[name])
            for name, png in plots.items()
        ],
        css=folder.joinpath("page.css").read_text(encoding="utf-8"),
        script=folder.joinpath("page.js").read_text(encoding="utf-8"),
    )
    path = sweep.folder / REPORT
    files.write_text(path, page)
    return path


def _title(metric: str) -> str:
    return "validation loss" if metric == VALIDATION else title_of(metric).long


def _line(sweep: Sweep, row: SweepJob) -> Line:
    return Line(
        job=row.job,
        values=[averages.shown(sweep, row, name) for name in sweep.plan.parameters],
        state=row.state.state,
        error=row.state.error,
        link=f"../../runs/{row.run}/report.html" if row.run else None,
        figures=[_figure(row, metric) for metric in averages.metrics(sweep)],
    )


def _figure(row: SweepJob, metric: str) -> str:
    """A job's figure, averaged over its samplers where there are several."""
    score = row.score(metric, "minimize")
    return "–" if score is None else f"{score:.3f}"


def _ranked(sweep: Sweep) -> tuple[list[SweepJob], str]:
    """The finished jobs, the best first, and by what: the search's first objective, else the
    validation loss where it differs, else the distance from human text."""
    finished = [row for row in sweep.rows if row.state.state == FINISHED]
    if sweep.plan.objectives:
        figure, aim = next(iter(sweep.plan.objectives.items()))
    elif VALIDATION in averages.metrics(sweep):
        figure, aim = VALIDATION, "minimize"
    else:
        against = (
            metric
            for metric in averages.metrics(sweep)
            if any(row.value(HUMAN, metric) for row in finished)
        )
        figure, aim = next(against, ""), "human"
    scored = [(row, score) for row in finished if (score := row.score(figure, aim)) is not None]
    sign = -1 if aim == "maximize" else 1
    scored.sort(key=lambda pair: (sign * pair[1], pair[0].job))
    words = f"{_title(figure)}, closest to human text" if aim == "human" else _title(figure)
    return [row for row, _ in scored], words
