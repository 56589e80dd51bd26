"""Recipes trained in turn: loss against seconds of training and characters seen, as ratios.

Seconds are those of the steps alone, without evaluations. Recipes are compared at shares of the
time that the first one, the yardstick, takes in the same round. A loss counts as reached at the
first evaluation at or below it, so a recipe's seconds are never too few.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from nextchar import config, corpus, device, results, trained, training
from nextchar.benchmarks import rounds
from nextchar.config import Config
from nextchar.results import RacePoint, TrainingRecord

SHARES = (0.1, 0.25, 0.5, 1.0)
"""Of the yardstick's time, at which all recipes are compared."""
CSV, FIGURE = "training.csv", "training"


@dataclass(frozen=True)
class Point:
    """A validation loss in nats a character, and what it took."""

    seconds: float
    characters: int
    loss: float


@dataclass(frozen=True)
class Curve:
    """One training, its points in order."""

    points: Sequence[Point]

    def reached(self, loss: float) -> Point | None:
        """The first point at or below `loss`."""
        return next((point for point in self.points if point.loss <= loss), None)

    def within(self, seconds: float) -> Point | None:
        """The last point that took at most `seconds`."""
        return next((each for each in reversed(self.points) if each.seconds <= seconds), None)


def describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipes", nargs="+", help="names of experiments, or default; the first is the yardstick"
    )
    parser.add_argument("--loss", type=float, default=1.88, help="how soon it is reached is told")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--evaluations", type=int, default=40, help="in each training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help=f"where {CSV} and its picture are written"
    )


def run(arguments: argparse.Namespace) -> None:
    asked = {name: _recipe(name, arguments) for name in arguments.recipes}
    curves: dict[str, list[Curve]] = {name: [] for name in asked}
    for turn in range(arguments.rounds):
        for name, recipe in asked.items():
            curves[name].append(train(replace(recipe, seed=turn)))
            _print_round(turn, name, curves, arguments)
    print(f"\nmedian and range of {arguments.rounds} rounds, {arguments.threads} threads")
    for name, own in curves.items():
        _print_summary(name, own, curves[arguments.recipes[0]], arguments.loss)
    print("\n" + "\n".join(table(curves)))
    if arguments.output:
        write(arguments.output, curves)


def table(curves: Mapping[str, Sequence[Curve]]) -> list[str]:
    """Loss and characters seen at shares of the first recipe's time, medians and ranges of the
    rounds; a recipe that was not evaluated by then in every round has none."""
    yardstick = next(iter(curves.values()))
    lines = [f"{'recipe':16} {'time':>5}  {'seconds':22} {'characters seen':34} loss"]
    for name, own in curves.items():
        for share in SHARES:
            ends = [share * curve.points[-1].seconds for curve in yardstick]
            found = [curve.within(end) for curve, end in zip(own, ends, strict=True)]
            points = [point for point in found if point]
            line = f"{name:16} {share:>5.0%}  {rounds.spread(ends):22} "
            if len(points) == len(found):
                characters = rounds.spread([point.characters for point in points])
                losses = [f"{each([p.loss for p in points]):.4f}" for each in (median, min, max)]
                line += f"{characters:34} {losses[0]} [{losses[1]}, {losses[2]}]"
            else:
                line += f"{'–':34} –"
            lines.append(line)
    return lines


def write(folder: Path, curves: Mapping[str, Sequence[Curve]]) -> None:
    """Every evaluation of every round as CSV, and the picture."""
    from nextchar.plots.races import draw_race

    race = [
        RacePoint(name, turn, point.seconds, point.characters, point.loss)
        for name, own in curves.items()
        for turn, curve in enumerate(own, start=1)
        for point in curve.points
    ]
    results.write_rows(folder / CSV, RacePoint, race)
    print(f"{folder / CSV}\n{draw_race(race, folder, FIGURE)}")


def train(asked: Config) -> Curve:
    """Train as the config says, from the beginning, leaving nothing behind."""
    device.prepare(asked.threads)
    text = corpus.load(asked.corpus)
    model = trained.build_model(asked.model, len(text.vocabulary), asked.seed)
    model.to(device.choose(asked.device))
    records: list[TrainingRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        training.train(
            model,
            text,
            asked.training,
            seed=asked.seed,
            folder=Path(folder),
            on_record=records.append,
        )
    return Curve(points(records, asked.training.batch_size * asked.model.context))


def points(records: Sequence[TrainingRecord], characters_a_step: int) -> list[Point]:
    """The evaluations of a training, with the seconds that its steps had taken by then."""
    taken = results.seconds_taken(records, characters_a_step)
    return [
        Point(seconds, record.step * characters_a_step, record.val_loss)
        for record, seconds in zip(records, taken, strict=True)
        if record.val_loss is not None
    ]


def _recipe(name: str, arguments: argparse.Namespace) -> Config:
    chosen = [] if name == "default" else [f"experiment={name}"]
    recipe = config.compose(*chosen, f"threads={arguments.threads}", "corpus.fallback=null")
    every = max(1, recipe.training.steps // arguments.evaluations)
    return replace(recipe, training=replace(recipe.training, evaluate_every=every))


def _print_round(
    turn: int, name: str, curves: dict[str, list[Curve]], arguments: argparse.Namespace
) -> None:
    last, reached = curves[name][-1].points[-1], curves[name][-1].reached(arguments.loss)
    line = f"round {turn + 1}  {name:16} {last.loss:.4f} after {last.seconds:6.1f} s"
    if reached:
        line += (
            f"   {arguments.loss} after {reached.seconds:6.1f} s, {reached.characters:,} characters"
        )
    print(line, flush=True)


def _print_summary(name: str, own: list[Curve], yardstick: list[Curve], loss: float) -> None:
    ends = [curve.points[-1] for curve in yardstick]
    line = f"{name:16} ends at {rounds.spread([curve.points[-1].loss for curve in own])}"
    within = [curve.within(end.seconds) for curve, end in zip(own, ends, strict=True)]
    losses = [point.loss for point in within if point]
    if losses:
        line += f", in the yardstick's time at {rounds.spread(losses)}"
    theirs, ours = ([each.reached(loss) for each in curves] for curves in (yardstick, own))
    # A yardstick that never gets there would take longer than all of its time.
    ratios = [
        (one or end).seconds / other.seconds
        for one, end, other in zip(theirs, ends, ours, strict=True)
        if other
    ]
    if ratios:
        bound = "" if all(theirs) else "at least "
        line += f", reaches {loss} {bound}{rounds.spread(ratios)} times as soon"
    print(line)
