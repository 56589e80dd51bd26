"""Recipes of training in turn: what their curves tell, each beside the first, the yardstick.

A loss counts as reached at the first evaluation at or below it, so a recipe's seconds are never too
few; and what a recipe has in some time is its last evaluation by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from studies.benchmarks import rounds

SHARES = (0.1, 0.25, 0.5, 1.0)
"""Of the yardstick's time, at which all recipes are compared."""


@dataclass(frozen=True)
class Point:
    """A validation loss in nats a character, and the seconds and characters that it took."""

    seconds: float
    characters: int
    loss: float


@dataclass(frozen=True)
class Curve:
    """One training, its points in order; `at_random` is its last loss by nanoGPT's protocol."""

    points: Sequence[Point]
    parameters: int
    at_random: float | None = None

    def reached(self, loss: float) -> Point | None:
        """The first point at or below `loss`."""
        return next((point for point in self.points if point.loss <= loss), None)

    def within(self, seconds: float) -> Point | None:
        """The last point that took at most `seconds`."""
        return next((each for each in reversed(self.points) if each.seconds <= seconds), None)


Curves = Mapping[str, Sequence[Curve]]
"""The rounds of each recipe; the first is the yardstick."""


@dataclass(frozen=True)
class Standing:
    """Where a recipe stands, as median and range of the rounds; empty where some round has none.

    `sooner` says how many times as soon as the yardstick it reaches the loss that was asked for.
    """

    recipe: str
    parameters: int
    characters: int
    seconds: str
    loss: str
    at_random: str
    in_time: str
    sooner: str


def standings(curves: Curves, loss: float) -> list[Standing]:
    """Each recipe beside the yardstick, by its end and by how soon it reaches `loss`."""
    yardstick = next(iter(curves.values()))
    return [_standing(name, own, yardstick, loss) for name, own in curves.items()]


def shares(curves: Curves) -> list[tuple[str, float, str, str, str]]:
    """Recipe, share of the yardstick's time, seconds, characters seen and loss by then; the last
    two empty where a recipe was not evaluated by then in every round."""
    yardstick = next(iter(curves.values()))
    rows = []
    for name, own in curves.items():
        for share in SHARES:
            ends = [share * curve.points[-1].seconds for curve in yardstick]
            points = _within(own, ends)
            characters = rounds.spread([point.characters for point in points]) if points else ""
            rows.append((name, share, rounds.spread(ends), characters, _losses(points)))
    return rows


def _within(own: Sequence[Curve], seconds: Sequence[float]) -> list[Point]:
    """The last point of each round within its seconds; none where some round has none."""
    points = [curve.within(end) for curve, end in zip(own, seconds, strict=True)]
    found = [point for point in points if point]
    return found if len(found) == len(points) else []


def _losses(points: Sequence[Point]) -> str:
    return _spread_of_losses([point.loss for point in points]) if points else ""


def _spread_of_losses(losses: Sequence[float]) -> str:
    """Median and range, to four decimals."""
    return f"{median(losses):.4f} [{min(losses):.4f}, {max(losses):.4f}]"


def _standing(name: str, own: Sequence[Curve], yardstick: Sequence[Curve], loss: float) -> Standing:
    ends = [curve.points[-1] for curve in own]
    theirs = [curve.points[-1] for curve in yardstick]
    at_random = [curve.at_random for curve in own if curve.at_random is not None]
    return Standing(
        recipe=name,
        parameters=own[0].parameters,
        characters=ends[0].characters,
        seconds=rounds.spread([end.seconds for end in ends]),
        loss=_losses(ends),
        at_random=_spread_of_losses(at_random) if at_random else "",
        in_time=_losses(_within(own, [end.seconds for end in theirs])),
        sooner=_sooner(own, yardstick, loss),
    )


def _sooner(own: Sequence[Curve], yardstick: Sequence[Curve], loss: float) -> str:
    """A yardstick that never gets there would take longer than all of its time: a lower bound."""
    reached = [curve.reached(loss) for curve in own]
    theirs = [curve.reached(loss) for curve in yardstick]
    ratios = [
        (one or curve.points[-1]).seconds / other.seconds
        for one, curve, other in zip(theirs, yardstick, reached, strict=True)
        if other
    ]
    if len(ratios) < len(own):
        return ""
    return ("" if all(theirs) else "at least ") + rounds.spread(ratios)
