"""Writes a sweep's plan before it runs, and its summary, plots and report afterwards or between."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nextchar import results
from nextchar.results import provenance, sweep_csv
from nextchar.results import sweep as stored
from nextchar.results.sweep import FINISHED, PRUNED, Plan, State, Sweep
from nextchar.runtime import files, progress
from nextchar.runtime.checked import DamagedError


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the plan, and say so if it replaces the plan of another sweep, or a damaged one."""
    results.require_latest(folder.parent.parent)
    path = folder / stored.PLAN
    try:
        before = stored.read_plan(folder) if path.exists() else plan
        if (before.parameters, before.fixed) != (plan.parameters, plan.fixed):
            progress.say(
                f"note: {folder} had another sweep, whose summary is replaced; its results are "
                f"kept, and repeating its command shows them: {before.command}"
            )
    except DamagedError as damage:
        progress.say(f"{damage.path}: {damage.wrong}; written anew")
    stored.write_plan(folder, plan)


def points(folder: Path, study: str) -> list[dict[str, str]]:
    """The points that a search has tried, by the plan in `folder`; none if it has another plan."""
    try:
        plan = stored.read_plan(folder) if (folder / stored.PLAN).exists() else None
    except DamagedError:  # said when the plan is written anew
        return []
    if plan is None or plan.study != study:
        return []
    return [dict(zip(plan.parameters, job.values, strict=True)) for job in plan.jobs]


def restore_pruned(folder: Path, keys: Iterable[str]) -> None:
    """Write again the states of jobs that a search has pruned, where one is damaged or missing."""
    for key in keys:
        if stored.read_state(folder, key).state not in (PRUNED, FINISHED):
            stored.write_state(folder, key, State(PRUNED, error="stopped by the search"))
            progress.say(f"{folder / stored.JOBS / key}.json: written again, as pruned")


def summarize(folder: Path, *, at_work: bool) -> Path:
    """Write summary, plots and report of the sweep in `folder`, and return the report's path.

    `at_work`: a process is running the sweep, so jobs may be running. The summary comes first:
    if this is interrupted, the numbers are there without their plots.
    """
    sweep = stored.read_sweep(folder, at_work=at_work)
    files.write_text(folder / stored.SUMMARY, sweep_csv.summary_csv(sweep))
    files.write_text(folder / stored.TIMES, sweep_csv.timings_csv(sweep))
    for notice in (notices := notices_of(sweep)):
        progress.say(f"warning: {notice}")
    from nextchar.plots import draw_all
    from nextchar.report.sweep import write_sweep_report

    drawn = draw_all(sweep, folder / results.PLOTS)
    path = write_sweep_report(sweep, drawn, notices, at_work=at_work)
    results.point_latest(folder)
    return path


def conclude(folder: Path) -> None:
    """Summarize a sweep that has ended, and print its ranking and where its report is."""
    path = summarize(folder, at_work=False)
    from nextchar.report.sweep import ranking_text

    if text := ranking_text(stored.read_sweep(folder)):
        print(f"{text}\n")
    print(f"report: {path}")


def notices_of(sweep: Sweep) -> list[str]:
    """What a reader must know before reading the results."""
    substituted = {job.substituted for job in sweep.rows if job.substituted is not None}
    notices = [f"corpus: {reason}" for reason in sorted(substituted)]
    others = sum(job.code not in (None, provenance.code()["sha256"]) for job in sweep.rows)
    if others:
        notices.append(
            f"{others} of {sweep.count(FINISHED)} results were made by another version of the "
            "code; force=true computes them again"
        )
    return notices
