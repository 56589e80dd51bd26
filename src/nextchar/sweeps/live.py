"""The page of a sweep at work, which its browser loads again and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nextchar.results import sweep as stored
from nextchar.results.sweep import FINISHED, Sweep, SweepJob
from nextchar.sweeps.summarize import notices_of

WRITINGS = 400
"""A large sweep writes its page about so many times, a small one at every change."""


@dataclass
class LivePage:
    """The page of the sweep in `folder`, which has `total` jobs of two changes each: a beginning
    and an end. It has no figures: they are drawn when the sweep has ended."""

    folder: Path
    total: int
    _changes: int = field(default=0, init=False)
    _finished: dict[str, SweepJob] = field(default_factory=dict, init=False)

    def changed(self, key: str) -> None:
        """A job has begun or ended."""
        self._finished.pop(key, None)
        if self._changes % max(1, 2 * self.total // WRITINGS) == 0:
            self._write()
        self._changes += 1

    def _write(self) -> None:
        from nextchar.plots import Drawn
        from nextchar.report.sweep import write_sweep_report

        plan = stored.read_plan(self.folder)
        rows = [
            self._finished.get(job.key) or stored.read_job(self.folder, index, job, at_work=True)
            for index, job in enumerate(plan.jobs)
        ]
        self._finished |= {row.planned.key: row for row in rows if row.state.state == FINISHED}
        sweep = Sweep(self.folder, plan, rows)
        write_sweep_report(sweep, Drawn(), notices_of(sweep), at_work=True)
