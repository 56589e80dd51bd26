"""A sweep is told: its plan written before, its summary, plots and report after, or in between."""

from __future__ import annotations

from pathlib import Path

from nextchar import atomic, lock, manifest, progress
from nextchar import sweep_results as stored
from nextchar.sweep.driver import lock_path
from nextchar.sweep_results import FINISHED, Plan, Sweep


def plan(folder: Path, made: Plan) -> None:
    """Write the plan, and say so where another sweep's summary gives way to it."""
    if (folder / stored.PLAN).exists():
        before = stored.read_plan(folder)
        if (before.parameters, before.fixed) != (made.parameters, made.fixed):
            progress.say(
                f"note: {folder} held another sweep; its results stay, this summary takes its "
                f"place, and it is back when its command is repeated: {before.command}"
            )
    stored.write_plan(folder, made)


def gather(folder: Path) -> Sweep:
    """Write summary, plots and report of the sweep in `folder` from what is on disk."""
    sweep = stored.read_sweep(folder, at_work=lock.is_held(lock_path(folder)))
    atomic.write_text(folder / stored.SUMMARY, stored.summary_csv(sweep))
    atomic.write_text(folder / stored.TIMES, stored.timings_csv(sweep))
    codes = {row.code for row in sweep.rows if row.code is not None}
    if codes - {manifest.code()["sha256"]}:
        others = sum(row.code not in (None, manifest.code()["sha256"]) for row in sweep.rows)
        progress.say(
            f"warning: {others} of {sweep.count(FINISHED)} results were made by another version of "
            "the code; force=true computes them again"
        )
    return sweep
