"""What the studies show, in sentences that hold their figures, and fall when the figures do.

A finding is a sentence, the condition under which it is true, and the commands that print what it
rests on. `render` refuses to write a sentence that its run does not bear out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nextchar import results
from nextchar.results import Difference, FamilyFigure, Metric, Run, Truncation


class UnsupportedClaimError(ValueError):
    """A sentence is not true of the run that it was asked of."""


@dataclass(frozen=True)
class Finding:
    """`commands` print the figures in `sentence`; `holds` says whether the sentence is true."""

    sentence: str
    commands: tuple[str, ...]
    holds: bool


class Study:
    """A run whose figures are looked up by name; what is looked up is remembered as commands."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._looked_up: list[tuple[str, str]] = []

    def metric(self, sampler: str, metric: str) -> Metric:
        """A row of metrics.csv. Raises KeyError where there is none."""
        row = self.run.value(sampler, metric)
        if row is None:
            raise KeyError(f"{self.run.folder}: no {metric} of {sampler}")
        self._note(f"{sampler},{metric},", results.METRICS)
        return row

    def difference(self, metric: str, first: str, second: str) -> Difference:
        """A row of differences.csv, whichever way round it stands there."""
        (row,) = (
            row
            for row in self.run.differences
            if row.metric == metric and {row.first, row.second} == {first, second}
        )
        self._note(f"{metric},{row.first},{row.second},", results.DIFFERENCES)
        return row

    def cut(self, family: str, parameter: float) -> Truncation:
        """A row of truncation.csv."""
        (row,) = (r for r in self.run.truncation if (r.family, r.parameter) == (family, parameter))
        self._note(f"{family},{results.number(parameter)},", results.TRUNCATION)
        return row

    def family(self, kind: str, metric: str, family: str) -> FamilyFigure | None:
        """A row of families.csv, or None where the family has no such point."""
        self._note(f"{kind},{metric},{family},", results.FAMILIES)
        rows = self.run.families
        return next(
            (r for r in rows if (r.kind, r.metric, r.family) == (kind, metric, family)), None
        )

    @property
    def samplers(self) -> list[str]:
        """Labels without the references."""
        return [label for label in self.run.samplers if label not in results.REFERENCES]

    def commands(self) -> tuple[str, ...]:
        """One grep a file for what was looked up since the last call."""
        patterns: dict[str, list[str]] = {}
        for pattern, file in dict.fromkeys(self._looked_up):
            patterns.setdefault(file, []).append(pattern)
        self._looked_up.clear()
        return tuple(
            f"grep -E '^({'|'.join(map(_escaped, own))})' {self.run.folder / file}"
            for file, own in patterns.items()
        )

    def _note(self, pattern: str, file: str) -> None:
        self._looked_up.append((pattern, file))


def _escaped(text: str) -> str:
    return re.sub(r"([.()+*?\[\]|^$])", r"\\\1", text)


def shown(row: Metric, places: int = 2, *, percent: bool = False) -> str:
    """`1.89 [1.86, 1.93]`, or `5.2% [4.0%, 6.5%]`."""
    return interval(row.value, row.low, row.high, places, percent=percent)


def interval(
    value: float, low: float, high: float, places: int = 2, *, percent: bool = False
) -> str:
    """A value and its 95% interval."""
    kind = f".{places}%" if percent else f".{places}f"
    return f"{value:{kind}} [{low:{kind}}, {high:{kind}}]"


def render(title: str, parts: Iterable[tuple[str, str, Sequence[Finding]]]) -> str:
    """Markdown: for each part its heading, the command that makes its run, and its findings.

    Raises UnsupportedClaimError, naming them, for sentences that don't hold.
    """
    lines = [f"# {title}", ""]
    fallen = []
    for heading, command, findings in parts:
        lines += [f"## {heading}", "", "```sh", command, "```", ""]
        for finding in findings:
            if not finding.holds:
                fallen.append(finding.sentence)
            lines += [f"- {finding.sentence}", ""]
            lines += ["  ```sh", *(f"  {command}" for command in finding.commands), "  ```", ""]
    if fallen:
        raise UnsupportedClaimError("the run no longer bears out: " + " / ".join(fallen))
    return "\n".join(lines)
