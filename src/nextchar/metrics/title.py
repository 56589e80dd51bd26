"""The names of a metric, and the group that it is shown in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Title:
    """Names of one metric: `short` heads a column (newlines allowed), `long` an axis.

    `ends` says what a low and a high value mean. No metric has a better end: closest to human
    text is best. Metrics of one `group` share a table.
    """

    short: str
    long: str
    description: str = ""
    ends: tuple[str, str] | None = None
    group: str = "other metrics"

    @property
    def line(self) -> str:
        """The short name on one line."""
        return self.short.replace("/\n", "/").replace("\n", " ")
