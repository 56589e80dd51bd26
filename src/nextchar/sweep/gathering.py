"""A sweep is told: its plan written before, its summary, plots and report after, or in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nextchar import atomic, manifest, progress, results, sweep_summary
from nextchar import sweep_results as stored
from nextchar.sweep_results import FINISHED, Plan, Sweep


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
    atomic.write_text(folder / stored.SUMMARY, sweep_summary.summary_csv(sweep))
    atomic.write_text(folder / stored.TIMES, sweep_summary.timings_csv(sweep))
    notices = _notices(sweep)
    for notice in notices:
        progress.say(f"warning: {notice}")
    from nextchar.plots.sweeps import draw_sweep
    from nextchar.report.sweep import write_sweep_report

    path = write_sweep_report(sweep, draw_sweep(sweep, folder / results.PLOTS), notices)
    results.point_latest(folder)
    return path


def _notices(sweep: Sweep) -> list[str]:
    """What a reader must know before any figure."""
    notices = [f"corpus: {reason}" for reason in sorted({*_substituted(sweep)})]
    others = sum(row.code not in (None, manifest.code()["sha256"]) for row in sweep.rows)
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
