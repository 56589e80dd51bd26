"""Metrics in groups, so that no table or picture has more of them than can be read."""

from __future__ import annotations

from collections.abc import Sequence

from nextchar.metrics.catalog import title_of
from nextchar.results import Metric


def groups(metrics: Sequence[Metric]) -> dict[str, list[Metric]]:
    """Rows by the group of their metric, in the order of the groups' first appearance."""
    grouped: dict[str, list[Metric]] = {}
    for row in metrics:
        grouped.setdefault(title_of(row.metric).group, []).append(row)
    return grouped


def headlines(metrics: Sequence[Metric]) -> list[Metric]:
    """The rows for a terminal, in the order of the catalog."""
    shown = {row.metric: title_of(row.metric) for row in metrics}
    return [
        row
        for name, info in shown.items()
        if info.headline
        for row in metrics
        if row.metric == name
    ]
