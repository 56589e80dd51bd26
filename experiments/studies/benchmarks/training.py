"""Loss of training recipes against seconds and characters seen, in alternating rounds.

Seconds are those of the training steps, without evaluations. Round n trains with the seed n - 1.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

import torch

from nextchar import results
from nextchar.config import Config, compose
from nextchar.data.corpus import load as load_corpus
from nextchar.models.registry import build_model
from nextchar.report.markdown import markdown_table
from nextchar.results import TrainingRecord, provenance
from nextchar.runtime import device
from nextchar.training import trainer
from studies import pages
from studies.benchmarks import rounds
from studies.benchmarks.race import Curve, Curves, Point, RacePoint, shares, summarize

CSV, FIGURE, PAGE = "training.csv", "training", "training.md"
PROGRAM = "experiments/benchmark.py training"


def describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipes", nargs="+", help="names of experiments, or default; the first is the baseline"
    )
    parser.add_argument("--loss", type=float, default=1.88, help="the time to reach it is compared")
    parser.add_argument("--rounds", type=rounds.count, default=3)
    parser.add_argument("--evaluations", type=rounds.count, default=40, help="per training")
    parser.add_argument("--threads", type=rounds.count, default=2)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help=f"write {CSV} and its picture there, and the tables into the {PAGE} beside the "
        "folder, if there is one",
    )


def run(arguments: argparse.Namespace) -> None:
    provenance.code()  # read first: the files may change during the run
    recipes = {name: _recipe(name, arguments) for name in arguments.recipes}
    curves: dict[str, list[Curve]] = {name: [] for name in recipes}
    for seed in range(arguments.rounds):
        for name, recipe in recipes.items():
            curves[name].append(train(replace(recipe, seed=seed)))
            _print_round(seed, name, curves, arguments)
    text = tables(curves, arguments.loss, device.choose(recipes[arguments.recipes[0]].device))
    print(f"\n{text}")
    if arguments.output:
        write(arguments.output, curves, text)


def tables(curves: Curves, loss: float, used: torch.device) -> str:
    """The race in Markdown: where and how it was run, and two tables."""
    head = ["recipe", "parameters", "characters seen", "seconds", "loss at the end"]
    head += ["loss by nanoGPT's protocol", "loss in the baseline's time", f"speed-up to {loss:g}"]
    rows = [
        [f"`{recipe}`", f"{parameters:,}", f"{characters:,}", *spreads]
        for recipe, parameters, characters, *spreads in map(astuple, summarize(curves, loss))
    ]
    shares_head = ["recipe", "of the baseline's time", "seconds", "characters seen", "loss"]
    by_share = [
        [f"`{recipe}`", f"{share:.0%}", seconds, characters, losses]
        for recipe, share, seconds, characters, losses in shares(curves)
    ]
    machine = device.describe(used)
    processor = machine.get("gpu", f"{machine['threads']} threads of {machine['processor']}")
    commit = provenance.code()["commit"] or "no commit"
    return "\n\n".join(
        [
            f"Median and range of {len(next(iter(curves.values())))} alternating rounds, "
            f"{processor}, torch {torch.__version__}, commit {commit[:12]}.",
            markdown_table(head, rows, words=1),
            markdown_table(shares_head, by_share, words=1),
        ]
    )


def write(folder: Path, curves: Curves, text: str) -> None:
    """Write every evaluation of every round as CSV, the picture, and `text` into the page."""
    from studies.benchmarks.plot import draw_race

    race = [
        RacePoint(name, number, point.seconds, point.characters, point.loss)
        for name, own in curves.items()
        for number, curve in enumerate(own, start=1)
        for point in curve.points
    ]
    results.write_rows(folder / CSV, RacePoint, race)
    picture = draw_race(race, folder, FIGURE)
    print(f"{folder / CSV}\n{picture}")
    page = folder.parent / PAGE
    if page.exists():
        link = picture.relative_to(page.parent).as_posix()
        pages.replace_section(page, PROGRAM, f"![Loss against time]({link})\n\n{text}")
        print(page)


def train(config: Config) -> Curve:
    """Train in a temporary folder, from the beginning."""
    device.configure_torch(config.threads)
    corpus = load_corpus(config.corpus)
    model = build_model(config.model, len(corpus.vocabulary), config.seed)
    model.to(device.choose(config.device))
    records: list[TrainingRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        result = trainer.train(
            model,
            corpus,
            config.training,
            seed=config.seed,
            folder=Path(folder),
            on_record=records.append,
        )
    return Curve(
        points(records, config.training.batch_size * config.model.context),
        parameters=sum(each.numel() for each in model.parameters()),
        nanogpt_loss=result.validation_loss_windows,
    )


def points(records: Sequence[TrainingRecord], characters_per_step: int) -> list[Point]:
    """The evaluations of a training, with the seconds of its steps by then."""
    taken = results.seconds_taken(records, characters_per_step)
    return [
        Point(seconds, record.step * characters_per_step, record.val_loss)
        for record, seconds in zip(records, taken, strict=True)
        if record.val_loss is not None
    ]


def _recipe(name: str, arguments: argparse.Namespace) -> Config:
    chosen = [] if name == "default" else [f"experiment={name}"]
    recipe = compose(*chosen, f"threads={arguments.threads}", "corpus.fallback=null")
    every = max(1, recipe.training.steps // arguments.evaluations)
    return replace(recipe, training=replace(recipe.training, evaluate_every=every))


def _print_round(
    seed: int, name: str, curves: dict[str, list[Curve]], arguments: argparse.Namespace
) -> None:
    last, reached = curves[name][-1].points[-1], curves[name][-1].reached(arguments.loss)
    line = f"round {seed + 1}  {name:16} {last.loss:.4f} after {last.seconds:6.1f} s"
    if reached:
        line += (
            f"   {arguments.loss} after {reached.seconds:6.1f} s, {reached.characters:,} characters"
        )
    print(line, flush=True)
