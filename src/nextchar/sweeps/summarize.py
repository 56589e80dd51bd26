"""A sweep is told: its plan written before, its summary, plots and report after, or in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nextchar import results
from nextchar.results import provenance, sweep_csv
from nextchar.results import sweep as stored
from nextchar.results.sweep import FINISHED, Plan, Sweep
from nextchar.runtime import files, progress


def plan(folder: Path, made: Plan) -> None:
    """Write the plan, and say so where another sweep's summary gives way to it."""
    results.require_latest(folder.parent.parent)
    if (folder / stored.PLAN).exists():
        before = stored.read_plan(folder)
        if (before.parameters, before.fixed) != (made.parameters, made.fixed):
            progress.say(
                f"note: {folder} held another sweep; its results stay, this summary takes its "
                f"place, and it is back when its command is repeated: {before.command}"
            )
    stored.write_plan(folder, made)


def gather(folder: Path, *, at_work: bool) -> Path:
    """Write summary, plots and report of the sweep in `folder` from what is on disk; the report.

    `at_work`: somebody is running it, so what is running is.
    Summary first: should the process be killed, the figures are there without their pictures.
    """
    sweep = stored.read_sweep(folder, at_work=at_work)
    files.write_text(folder / stored.SUMMARY, sweep_csv.summary_csv(sweep))
    files.write_text(folder / stored.TIMES, sweep_csv.timings_csv(sweep))
    notices = _notices(sweep)
    for notice in notices:
        progress.say(f"warning: {notice}")
    from nextchar.plots import draw_all
    from nextchar.report import write_sweep_report

    path = write_sweep_report(sweep, draw_all(sweep, folder / results.PLOTS), notices)
    results.point_latest(folder)
    return path


def _notices(sweep: Sweep) -> list[str]:
    """What a reader must know before any figure."""
    notices = [f"corpus: {reason}" for reason in sorted({*_substituted(sweep)})]
    others = sum(row.code not in (None, provenance.code()["sha256"]) for row in sweep.rows)
    if others:
        notices.append(
            f"{others} of {sweep.count(FINISHED)} results were made by another version of the "
            "code; force=true computes them again"
        )
    return notices


def _substituted(sweep: Sweep) -> Iterator[str]:
    for row in sweep.rows:
        if row.substituted is not None:
            yield row.substituted
