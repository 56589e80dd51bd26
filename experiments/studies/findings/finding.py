"""Findings: sentences about runs, checked against the runs' values.

A finding is a sentence, the condition under which it is true, and the commands that print its
values. `render` raises for a sentence that its run does not support.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from nextchar import results
from nextchar.results import Difference, FamilyFigure, Metric, Run, Truncation


class UnsupportedClaimError(ValueError):
    """A sentence is not true of its run."""


@dataclass(frozen=True)
class Finding:
    """`commands` print the values in `sentence`; `holds`: the sentence is true of its run."""

    sentence: str
    commands: tuple[str, ...]
    holds: bool


class CitedRun:
    """A run whose values are looked up by name; each lookup is recorded as a grep command."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._lookups: list[tuple[str, str]] = []

    def metric(self, sampler: str, metric: str) -> Metric:
        """A row of metrics.csv. Raises KeyError where there is none."""
        row = self.run.value(sampler, metric)
        if row is None:
            raise KeyError(f"{self.run.folder}: no {metric} of {sampler}")
        self._record(f"{sampler},{metric},", results.METRICS)
        return row

    def difference(self, metric: str, first: str, second: str) -> Difference:
        """A row of differences.csv, in whichever order it has the two samplers."""
        (row,) = (
            row
            for row in self.run.differences
            if row.metric == metric and {row.first, row.second} == {first, second}
        )
        self._record(f"{metric},{row.first},{row.second},", results.DIFFERENCES)
        return row

    def truncation(self, family: str, parameter: float) -> Truncation:
        """A row of truncation.csv."""
        (row,) = (r for r in self.run.truncation if (r.family, r.parameter) == (family, parameter))
        self._record(f"{family},{results.number(parameter)},", results.TRUNCATION)
        return row

    def family(self, kind: str, metric: str, family: str) -> FamilyFigure | None:
        """A row of families.csv, or None where the family has no such point."""
        self._record(f"{kind},{metric},{family},", results.FAMILIES)
        rows = self.run.families
        return next(
            (r for r in rows if (r.kind, r.metric, r.family) == (kind, metric, family)), None
        )

    @property
    def samplers(self) -> list[str]:
        """Labels without the references."""
        return [label for label in self.run.samplers if label not in results.REFERENCES]

    def commands(self) -> tuple[str, ...]:
        """One grep per file for the lookups since the last call."""
        patterns: dict[str, list[str]] = {}
        for pattern, file in dict.fromkeys(self._lookups):
            patterns.setdefault(file, []).append(pattern)
        self._lookups.clear()
        return tuple(
            f"grep -E '^({'|'.join(map(_escaped, own))})' {self.run.folder / file}"
            for file, own in patterns.items()
        )

    def _record(self, pattern: str, file: str) -> None:
        self._lookups.append((pattern, file))


def _escaped(text: str) -> str:
    return re.sub(r"([.()+*?\[\]|^$])", r"\\\1", text)


class _HasInterval(Protocol):
    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def format_interval(
    value: float, low: float, high: float, places: int = 2, *, percent: bool = False
) -> str:
    """A value and its 95% interval: `1.89 [1.86, 1.93]`, or `5.2% [4.0%, 6.5%]`."""
    kind = f".{places}%" if percent else f".{places}f"
    return f"{value:{kind}} [{low:{kind}}, {high:{kind}}]"


def format_row(row: _HasInterval, places: int = 2, *, percent: bool = False) -> str:
    """`format_interval` of a row's value."""
    return format_interval(row.value, row.low, row.high, places, percent=percent)


def format_column(row: Truncation, column: str, places: int = 2, *, percent: bool = False) -> str:
    """`format_interval` of one column of truncation.csv, whose interval is in two columns more."""
    value, low, high = (getattr(row, f"{column}{end}") for end in ("", "_low", "_high"))
    return format_interval(value, low, high, places, percent=percent)


def render(title: str, note: str, parts: Iterable[tuple[str, str, Sequence[Finding]]]) -> str:
    """A page in Markdown: for each part its heading, the command of its run, and its findings.

    Raises UnsupportedClaimError, with the sentences that don't hold.
    """
    lines = [f"# {title}", "", note]
    unsupported = []
    for heading, command, findings in parts:
        lines += [f"## {heading}", "", "```sh", command, "```", ""]
        for finding in findings:
            if not finding.holds:
                unsupported.append(finding.sentence)
            lines += [f"- {finding.sentence}", ""]
            lines += ["  ```sh", *(f"  {command}" for command in finding.commands), "  ```", ""]
    if unsupported:
        raise UnsupportedClaimError("the run does not support: " + " / ".join(unsupported))
    return "\n".join(lines)
