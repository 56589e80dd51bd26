"""Findings: sentences about runs, each with the condition under which it is true.

`require` stops the program at a sentence that its run does not support.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from scipy import stats

LEVEL = 0.05
"""Of significance, for p values corrected by Holm's method."""


class UnsupportedClaimError(ValueError):
    """A sentence is not true of its run."""


@dataclass(frozen=True)
class Finding:
    """`holds`: the sentence is true of its run."""

    sentence: str
    holds: bool


def require(findings: Iterable[Finding]) -> list[str]:
    """The sentences. Raises UnsupportedClaimError, with those that don't hold."""
    found = list(findings)
    unsupported = [each.sentence for each in found if not each.holds]
    if unsupported:
        raise UnsupportedClaimError("the runs do not support: " + " / ".join(unsupported))
    return [each.sentence for each in found]


class HasInterval(Protocol):
    """A row with a value and its 95% interval."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@dataclass(frozen=True)
class Estimate:
    """A value and its 95% interval."""

    value: float
    low: float
    high: float

    @property
    def above(self) -> bool:
        """Whether the whole interval is above zero."""
        return self.low > 0

    @property
    def below(self) -> bool:
        return self.high < 0


def over_seeds(values: Sequence[float]) -> Estimate:
    """The mean of a figure of several trainings, with Student's t interval."""
    n = len(values)
    mean = sum(values) / n
    deviation = (sum((value - mean) ** 2 for value in values) / (n - 1)) ** 0.5
    reach = float(stats.t.ppf(0.975, n - 1)) * deviation / n**0.5
    return Estimate(mean, mean - reach, mean + reach)


def exact_share(count: int, n: int) -> Estimate:
    """A share of n texts with its exact interval (Clopper & Pearson 1934), also at 0 and n."""
    found = stats.binomtest(count, n).proportion_ci(0.95, method="exact")
    return Estimate(count / n, float(found.low), float(found.high))


def shown(row: HasInterval, places: int = 2, *, percent: bool = False) -> str:
    """A value and its 95% interval: `1.89 [1.86, 1.93]`, or `5.2% [4.0%, 6.5%]`."""
    kind = f".{places}%" if percent else f".{places}f"
    return f"{row.value:{kind}} [{row.low:{kind}}, {row.high:{kind}}]"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; all columns but the first are aligned right where they hold numbers."""
    lines = [header, [":---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
