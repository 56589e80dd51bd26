"""Metrics in groups, so that no table or picture has more of them than can be read."""

from __future__ import annotations

from collections.abc import Sequence

from nextchar.metrics.catalog import title_of
from nextchar.results import Metric

HEADLINES = (
    "bits_per_character",
    "entropy",
    "kept_characters",
    "distinct_1",
    "distinct_2",
    "loops",
    "unknown_words",
    "epsilon_perplexity",
    "recall",
)
"""What the terminal shows: as much as a line of 100 characters holds."""


def groups(metrics: Sequence[Metric]) -> dict[str, list[Metric]]:
    """Rows by the group of their metric, in the order of the groups' first appearance."""
    grouped: dict[str, list[Metric]] = {}
    for row in metrics:
        grouped.setdefault(title_of(row.metric).group, []).append(row)
    return grouped


def headlines(metrics: Sequence[Metric]) -> list[Metric]:
    """The rows for a terminal, in the order of `HEADLINES`."""
    return [row for name in HEADLINES for row in metrics if row.metric == name]
