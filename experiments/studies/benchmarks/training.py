"""Recipes trained in turn: loss against seconds of training and characters seen, as ratios.

Seconds are those of the steps alone, without evaluations. Round n trains with the seed n - 1.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

import torch

from nextchar import config, results
from nextchar.config import Config
from nextchar.data import corpus
from nextchar.models.registry import build_model
from nextchar.report.markdown import markdown_table
from nextchar.results import RacePoint, TrainingRecord, provenance
from nextchar.runtime import device
from nextchar.training import trainer
from studies import pages
from studies.benchmarks.race import Curve, Curves, Point, shares, standings

CSV, FIGURE, PAGE = "training.csv", "training", "training.md"
PROGRAM = "experiments/benchmark.py training"


def describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipes", nargs="+", help="names of experiments, or default; the first is the yardstick"
    )
    parser.add_argument("--loss", type=float, default=1.88, help="how soon it is reached is told")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--evaluations", type=int, default=40, help="in each training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help=f"where {CSV} and its picture are written, and the tables into a {PAGE} beside the "
        "folder, if there is one",
    )


def run(arguments: argparse.Namespace) -> None:
    provenance.code()  # read now: the files may change while this runs
    asked = {name: _recipe(name, arguments) for name in arguments.recipes}
    curves: dict[str, list[Curve]] = {name: [] for name in asked}
    for turn in range(arguments.rounds):
        for name, recipe in asked.items():
            curves[name].append(train(replace(recipe, seed=turn)))
            _print_round(turn, name, curves, arguments)
    told = tables(curves, arguments.loss, device.choose(asked[arguments.recipes[0]].device))
    print(f"\n{told}")
    if arguments.output:
        write(arguments.output, curves, told)


def tables(curves: Curves, loss: float, place: torch.device) -> str:
    """What a page says of the race: where and how it was run, and two tables."""
    head = ["recipe", "parameters", "characters seen", "seconds", "loss at the end"]
    head += ["by random windows", "loss in the first's time", f"{loss:g} how many times as soon"]
    rows = [
        [f"`{recipe}`", f"{parameters:,}", f"{characters:,}", *spreads]
        for recipe, parameters, characters, *spreads in map(astuple, standings(curves, loss))
    ]
    shares_head = ["recipe", "of the first's time", "seconds", "characters seen", "loss"]
    by_share = [
        [f"`{recipe}`", f"{share:.0%}", seconds, characters, losses]
        for recipe, share, seconds, characters, losses in shares(curves)
    ]
    machine = device.describe(place)
    processor = machine.get("gpu", f"{machine['threads']} threads of {machine['processor']}")
    commit = provenance.code()["commit"] or "no commit"
    return "\n\n".join(
        [
            f"Median and range of {len(next(iter(curves.values())))} rounds in turn, {processor}, "
            f"torch {torch.__version__}, commit {commit[:12]}.",
            markdown_table(head, rows, words=1),
            markdown_table(shares_head, by_share, words=1),
        ]
    )


def write(folder: Path, curves: Curves, told: str) -> None:
    """Every evaluation of every round as CSV, the picture, and what the page says."""
    from studies.benchmarks.plot import draw_race

    race = [
        RacePoint(name, turn, point.seconds, point.characters, point.loss)
        for name, own in curves.items()
        for turn, curve in enumerate(own, start=1)
        for point in curve.points
    ]
    results.write_rows(folder / CSV, RacePoint, race)
    picture = draw_race(race, folder, FIGURE)
    print(f"{folder / CSV}\n{picture}")
    page = folder.parent / PAGE
    if page.exists():
        link = picture.relative_to(page.parent).as_posix()
        pages.replace_section(page, PROGRAM, f"![Loss against time]({link})\n\n{told}")
        print(page)


def train(asked: Config) -> Curve:
    """Train as the config says, from the beginning, leaving nothing behind."""
    device.configure_torch(asked.threads)
    text = corpus.load(asked.corpus)
    model = build_model(asked.model, len(text.vocabulary), asked.seed)
    model.to(device.choose(asked.device))
    records: list[TrainingRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        done = trainer.train(
            model,
            text,
            asked.training,
            seed=asked.seed,
            folder=Path(folder),
            on_record=records.append,
        )
    return Curve(
        points(records, asked.training.batch_size * asked.model.context),
        parameters=sum(each.numel() for each in model.parameters()),
        at_random=done.validation_loss_windows,
    )


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
