"""Losses of finished runs in a table: mean and range over their seeds, by both protocols.

It reads what the runs left and trains nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from nextchar import results
from nextchar.report.markdown import markdown_table
from nextchar.results import Run
from studies import pages
from studies.benchmarks import rounds

PAGE = Path("docs/training.md")
PROGRAM = "experiments/benchmark.py trained"


def describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of runs")
    parser.add_argument("--page", action="store_true", help=f"write the table into {PAGE}")


def run(arguments: argparse.Namespace) -> None:
    text = table([results.read_run(folder.resolve()) for folder in arguments.runs])
    print(text)
    if arguments.page:
        pages.replace_section(PAGE, PROGRAM, text)


def table(runs: Sequence[Run]) -> str:
    """The runs in Markdown: what was trained where, how long it took, and the losses."""
    head = ["run", "parameters", "steps", "characters seen", "seconds per training"]
    head += ["loss", "loss by nanoGPT's protocol"]
    return markdown_table(head, [_row(run) for run in runs], words=1)


def _row(run: Run) -> list[str]:
    parts = [results.read_run(folder) for folder in _parts(run)]
    models = [part.manifest["model"] for part in parts]
    training, machine = run.config["training"], parts[0].manifest["hardware"]
    seen = training["steps"] * training["batch_size"] * run.config["model"]["context"]
    commit = parts[0].manifest["code"]["commit"] or "no commit"
    seconds = [part.timings["training"]["seconds"] for part in parts]
    return [
        f"`{run.config['name']}`, {_many(len(parts), 'seed')}, "
        f"{_many(machine['threads'], 'thread')} of {machine['processor']}, commit {commit[:12]}",
        f"{models[0]['parameters']:,}",
        f"{training['steps']:,}",
        f"{seen:,}",
        rounds.spread(seconds),
        _losses(models, "validation_loss"),
        _losses(models, "validation_loss_windows"),
    ]


def _parts(run: Run) -> list[Path]:
    """The folders of the single trainings."""
    names = [str(part["run"]) for part in run.manifest.get("runs", [])]
    return [run.folder.parent / name for name in names] or [run.folder]


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _losses(models: Sequence[dict[str, Any]], key: str) -> str:
    """Mean and range, in nats per character; a dash where it was not measured."""
    values = [model[key] for model in models if key in model]
    if not values:
        return "–"
    return f"{fmean(values):.4f} [{min(values):.4f}, {max(values):.4f}]"
