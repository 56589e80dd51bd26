"""The curves of alternating trainings, each recipe compared with the first, the baseline.

A loss counts as reached at the first evaluation at or below it, so the seconds to reach it are not
underestimated. The loss within some time is that of the last evaluation by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from studies.benchmarks import rounds

SHARES = (0.1, 0.25, 0.5, 1.0)
"""Shares of the baseline's time at which all recipes are compared."""


@dataclass(frozen=True)
class RacePoint:
    """A row of the CSV: one evaluation of one recipe in one round (from 1).

    `loss` is the validation loss in nats per character; `seconds` are those of the training steps
    so far, without evaluations.
    """

    recipe: str
    round: int
    seconds: float
    characters: int
    loss: float


@dataclass(frozen=True)
class Point:
    """A validation loss in nats per character, and the seconds and characters that it took."""

    seconds: float
    characters: int
    loss: float


@dataclass(frozen=True)
class Curve:
    """One training, its points in order; `nanogpt_loss` is its last loss by nanoGPT's protocol."""

    points: Sequence[Point]
    parameters: int
    nanogpt_loss: float | None = None

    def reached(self, loss: float) -> Point | None:
        """The first point at or below `loss`."""
        return next((point for point in self.points if point.loss <= loss), None)

    def within(self, seconds: float) -> Point | None:
        """The last point that took at most `seconds`."""
        return next((each for each in reversed(self.points) if each.seconds <= seconds), None)


Curves = Mapping[str, Sequence[Curve]]
"""The rounds of each recipe; the first recipe is the baseline."""


@dataclass(frozen=True)
class RecipeSummary:
    """A recipe compared with the baseline, as medians and ranges of the rounds.

    A text is empty where some round has no value. `speedup` is the baseline's time to
    reach the given loss over the recipe's.
    """

    recipe: str
    parameters: int
    characters: int
    seconds: str
    loss: str
    nanogpt_loss: str
    loss_in_baseline_time: str
    speedup: str


def summarize(curves: Curves, loss: float) -> list[RecipeSummary]:
    """Each recipe compared with the baseline, by its end and by how soon it reaches `loss`."""
    baseline = next(iter(curves.values()))
    return [_summary(name, own, baseline, loss) for name, own in curves.items()]


def shares(curves: Curves) -> list[tuple[str, float, str, str, str]]:
    """Recipe, share of the baseline's time, seconds, characters seen and loss by then.

    The last two are empty where a recipe was not evaluated by then in every round.
    """
    baseline = next(iter(curves.values()))
    rows = []
    for name, own in curves.items():
        for share in SHARES:
            ends = [share * curve.points[-1].seconds for curve in baseline]
            points = _within(own, ends)
            characters = rounds.spread([point.characters for point in points]) if points else ""
            rows.append((name, share, rounds.spread(ends), characters, _losses(points)))
    return rows


def _within(own: Sequence[Curve], seconds: Sequence[float]) -> list[Point]:
    """The last point of each round within its seconds; empty where some round has none."""
    points = [curve.within(end) for curve, end in zip(own, seconds, strict=True)]
    found = [point for point in points if point]
    return found if len(found) == len(points) else []


def _losses(points: Sequence[Point]) -> str:
    return _spread_of_losses([point.loss for point in points]) if points else ""


def _spread_of_losses(losses: Sequence[float]) -> str:
    """Median and range, to four decimals."""
    return f"{median(losses):.4f} [{min(losses):.4f}, {max(losses):.4f}]"


def _summary(
    name: str, own: Sequence[Curve], baseline: Sequence[Curve], loss: float
) -> RecipeSummary:
    ends = [curve.points[-1] for curve in own]
    theirs = [curve.points[-1] for curve in baseline]
    nanogpt = [curve.nanogpt_loss for curve in own if curve.nanogpt_loss is not None]
    return RecipeSummary(
        recipe=name,
        parameters=own[0].parameters,
        characters=ends[0].characters,
        seconds=rounds.spread([end.seconds for end in ends]),
        loss=_losses(ends),
        nanogpt_loss=_spread_of_losses(nanogpt) if nanogpt else "",
        loss_in_baseline_time=_losses(_within(own, [end.seconds for end in theirs])),
        speedup=_speedup(own, baseline, loss),
    )


def _speedup(own: Sequence[Curve], baseline: Sequence[Curve], loss: float) -> str:
    """Median and range; a lower bound where a baseline does not reach the loss in all its time."""
    reached = [curve.reached(loss) for curve in own]
    theirs = [curve.reached(loss) for curve in baseline]
    ratios = [
        (one or curve.points[-1]).seconds / other.seconds
        for one, curve, other in zip(theirs, baseline, reached, strict=True)
        if other
    ]
    if len(ratios) < len(own):
        return ""
    return ("" if all(theirs) else "at least ") + rounds.spread(ratios)
