"""What could have been detected: the smallest difference between families, metric by metric."""

from __future__ import annotations

import math
import statistics

from nextchar.results import HUMAN, OVERALL
from studies.findings.finding import table
from studies.findings.runs import PooledRun


def power_table(run: PooledRun) -> str:
    """For each metric the difference from the closest family that a single comparison detects with
    a chance of 80%, beside how far the families lie apart."""
    lines = []
    for metric in dict.fromkeys(row.metric for row in run.run.families):
        kind = "overall" if metric == OVERALL else "best"
        rows = run.families(kind, metric)
        known = [row.detectable for row in rows if math.isfinite(row.detectable)]
        if not known:
            continue
        info = run.run.info(metric)
        human = run.run.value(HUMAN, metric)
        lines.append(
            [
                info.long if metric != OVERALL else metric,
                f"{human.value:.3g}" if human else "0",
                f"{rows[0].distance:.2g}",
                f"{statistics.median(row.distance for row in rows):.2g}",
                f"{statistics.median(known):.2g}",
            ]
        )
    header = ("metric", "human text", "closest family", "median family", "detected in 80%")
    return table(header, lines)
