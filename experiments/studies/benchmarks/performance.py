"""Every figure of docs/performance.md: what a user waits for, the engine, growth, the machine.

Commands run as a user starts them; peers and contestants alternate. Takes about twenty minutes on
two quiet cores, of which the first trains the default model.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import torch

from nextchar import plots, results, tracking
from nextchar.config import TransformerConfig
from nextchar.report.markdown import markdown_table
from nextchar.results import provenance
from nextchar.runtime import device
from studies import pages
from studies.benchmarks import generation, limits, rounds, subject
from studies.benchmarks.processes import Ended, command

CSV, PAGE = "performance.csv", Path("docs/performance.md")
PROGRAM = "experiments/benchmark.py all"
LEAST = 0.02
"""Seconds of a stage whose growth is said: below that a clock measures noise."""


@dataclass(frozen=True)
class Timing:
    """One measurement: a row of performance.csv."""

    section: str
    what: str
    unit: str
    round: int
    value: float


@dataclass(frozen=True)
class Growth:
    """How a time grows with the size of its work: about size ** exponent."""

    of: str
    sizes: Sequence[int]

    def exponent(self, seconds: Sequence[float]) -> float:
        """Between the smallest and the largest size; 1 is in proportion, below 1 is better."""
        return math.log(seconds[-1] / seconds[0]) / math.log(self.sizes[-1] / self.sizes[0])


Figures = Iterator[tuple[str, str, Sequence[float]]]
"""What was measured, its unit, and its value in each round."""


def describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=rounds.count, default=3)
    parser.add_argument("--threads", type=rounds.count, default=2)
    parser.add_argument("--transformers", metavar="PYTHON", help="a Python that has transformers")
    parser.add_argument("--output", type=Path, metavar="FOLDER", default=Path("outputs"))
    parser.add_argument(
        "--recipe", metavar="EXPERIMENT", help="instead of the default: to try this, smoke"
    )


def run(arguments: argparse.Namespace) -> None:
    """Measure, print each figure as it comes, and write the CSV file and the page."""
    provenance.code()  # read first: the files may change during the run
    device.configure_torch(arguments.threads)
    timings: list[Timing] = []
    with tempfile.TemporaryDirectory() as folder:
        sections = {
            "Commands": commands(arguments, Path(folder)),
            "Logging": logging(arguments.rounds),
            "Engine": engine(arguments),
            "Growth": growth(arguments.rounds),
            "Machine": machine(arguments.rounds),
        }
        for section, figures in sections.items():
            print(f"\n{section}", flush=True)
            for what, unit, values in figures:
                print(f"{what:60} {rounds.spread(list(values))} {unit}", flush=True)
                timings += [
                    Timing(section, what, unit, number, value)
                    for number, value in enumerate(values, start=1)
                ]
    results.write_rows(arguments.output / CSV, Timing, timings)
    print(f"\n{arguments.output / CSV}")
    if not arguments.recipe:
        pages.replace_section(PAGE, PROGRAM, page(timings, arguments.threads))
        print(PAGE)


def commands(arguments: argparse.Namespace, folder: Path) -> Figures:
    """The runs of a user, each from the beginning unless it says otherwise."""
    recipe = [f"experiment={arguments.recipe}"] if arguments.recipe else []
    threads = f"threads={arguments.threads}"

    def experiment(outputs: str, *keys: str) -> Ended:
        return command("run.py", *keys, threads, f"paths.outputs={folder / outputs}")

    each_round = range(arguments.rounds)
    smoke = [experiment(f"smoke{number}", "experiment=smoke") for number in each_round]
    yield "experiment=smoke", "s", [each.seconds for each in smoke]
    yield "first character on a terminal", "s", [each.first_output for each in smoke]
    again = [experiment("smoke0", "experiment=smoke") for _ in each_round]
    yield "a finished command repeated, processor time", "s", [x.processor_seconds for x in again]
    whole = experiment("default", *recipe)
    yield "the default run, whole", "s", [whole.seconds]
    yield "the default run, peak memory", "MB", [whole.peak_bytes / 1e6]
    trained = [
        experiment("default", *recipe, f"metrics.resamples={1999 - number}")
        for number in each_round
    ]
    yield "the default run with its model trained before", "s", [each.seconds for each in trained]
    finished = results.read_run((folder / "default" / "latest").resolve())
    names = plots.draw_all(finished, folder).plots
    drawing = [rounds.timed(lambda: plots.draw_all(finished, folder)) for _ in each_round]
    yield f"its {len(names)} figures, PNG and SVG, all", "s", drawing
    yield "the same, per five figures", "s", [each * 5 / len(names) for each in drawing]
    everything = experiment("default", *recipe, "decoding=all", "metrics=full")
    yield "decoding=all metrics=full, the model trained before", "s", [everything.seconds]
    yield "decoding=all metrics=full, peak memory", "MB", [everything.peak_bytes / 1e6]


def logging(repeats: int) -> Figures:
    """New names of scalars at one step, in a fresh labml run each time."""
    sizes = Growth("names", [400, 800, 1600])
    seconds = []
    for size in sizes.sizes:
        taken = []
        for _ in range(repeats):
            with (
                tempfile.TemporaryDirectory() as folder,
                tracking.track(Path(folder) / "labml", name="benchmark", config={}) as tracker,
            ):
                values = {f"metric.sampler={number}": 0.5 for number in range(size)}
                taken.append(rounds.timed(partial(tracker.scalars, 1, values)))
        seconds.append(median(taken))
        yield f"{size:,} figures logged", "s", taken
    yield "growth with the names, exponent", "", [sizes.exponent(seconds)]


def engine(arguments: argparse.Namespace, length: int = 255) -> Figures:
    """Characters per second of the engine and its peers, which alternate; random weights."""
    model = subject.transformer()
    peer = None
    if arguments.transformers:
        peer = generation.Peer(arguments.transformers, arguments.threads)
    for count in (64, 256, 768):
        prompts = subject.prompts(count)
        contestants: dict[str, rounds.Contestant] = {
            "engine": partial(generation.engine, model, prompts, length),
            "no cache": partial(generation.no_cache, model, prompts, length),
        }
        if peer:
            contestants["transformers"] = partial(peer.seconds, count, length)
        taken = rounds.alternate(contestants, arguments.rounds)
        for name, seconds in taken.items():
            speeds = [count * length / each for each in seconds]
            yield f"{count} rows: {name}", "characters/s", speeds
            if name != "engine":
                pairs = zip(taken["engine"], seconds, strict=True)
                ratios = [other / own for own, other in pairs]
                yield f"{count} rows: engine is faster than {name}", "times", ratios
    device.configure_torch(1)
    one = [
        generation.engine(model, subject.prompts(1), length) for _ in range(arguments.rounds + 1)
    ]
    yield "1 row, one thread", "characters/s", [length / each for each in one[1:]]
    device.configure_torch(arguments.threads)


def growth(repeats: int) -> Figures:
    """Times of the engine by rows and length, and of a small comparison's stages by samplers."""
    model = subject.transformer()
    for growing, cases in (
        (Growth("rows", [64, 256, 768]), [(64, 128), (256, 128), (768, 128)]),
        (Growth("characters of a text", [128, 256, 512]), [(64, 128), (64, 256), (64, 512)]),
    ):
        sized = {
            str(size): partial(generation.engine, model, subject.prompts(rows), length)
            for size, (rows, length) in zip(growing.sizes, cases, strict=True)
        }
        taken = rounds.alternate(sized, repeats)
        yield (
            f"engine, with the {growing.of} {growing.sizes[0]} to {growing.sizes[-1]}",
            "exponent",
            [growing.exponent(each) for each in zip(*taken.values(), strict=True)],
        )
    yield from stages(Growth("samplers", [6, 24]), _temperatures)
    yield from stages(Growth("characters of a text", [64, 256]), "decoding.length={}".format)
    yield from stages(Growth("characters of the corpus", [40_000, 160_000]), _corpus)


def _temperatures(count: int) -> str:
    specs = (f"{{temperature: {0.4 + 0.05 * number:.2f}}}" for number in range(count))
    return f"decoding.samplers=[{','.join(specs)}]"


def _corpus(characters: int) -> str:
    return f"corpus.characters={characters}"


def stages(growing: Growth, key: Callable[[int], str]) -> Figures:
    """Exponents of the stages of experiment=smoke metrics=full, from its timings.json."""
    taken: list[dict[str, float]] = []
    for size in growing.sizes:
        with tempfile.TemporaryDirectory() as folder:
            outputs = f"paths.outputs={folder}"
            command("run.py", "experiment=smoke", "metrics=full", outputs, key(size))
            timings = results.read_json(Path(folder) / "latest" / results.TIMINGS)
        parts = timings["metrics"]["parts"]
        taken.append({name: part["processor_seconds"] for name, part in parts.items()})
        taken[-1]["writing texts"] = timings["generation"]["seconds"]
    small, large = taken
    for name, seconds in small.items():
        if seconds > LEAST:
            of = f"{growing.of} {growing.sizes[0]:,} to {growing.sizes[-1]:,}"
            yield f"{name}, with the {of}", "exponent", [growing.exponent([seconds, large[name]])]


def machine(repeats: int) -> Figures:
    """The machine's own limits, and the engine's distance from them at 768 rows."""
    model, rows, length = subject.transformer(), 768, 128
    products = [limits.gflops(torch.float32) for _ in range(repeats)]
    copied = [limits.bandwidth(torch.device("cpu")) for _ in range(repeats)]
    yield "products in float32", "GFLOP/s", products
    if device.precision("auto", torch.device("cpu")) == torch.bfloat16:
        yield (
            "products in bfloat16",
            "GFLOP/s",
            [limits.gflops(torch.bfloat16) for _ in range(repeats)],
        )
    yield "a copy, read and written", "GB/s", [each / 1e9 for each in copied]
    seconds = rounds.alternate(
        {"engine": partial(generation.engine, model, subject.prompts(rows), length)}, repeats
    )["engine"]
    flop = flop_per_character(model, length)
    reached = [rows * length * flop / each / 1e9 for each in seconds]
    yield f"engine, {rows} rows", "GFLOP/s", reached
    yield "share of the products' limit", "%", [100 * x / max(products) for x in reached]


def flop_per_character(model: torch.nn.Module, length: int) -> float:
    """Of one step of the subject after half of `length` characters: products and attention."""
    config = TransformerConfig()
    matrices = sum(each.numel() for each in model.parameters() if each.dim() == 2)
    attention = 2 * config.layers * config.width * length / 2
    return 2 * (matrices + attention)


def page(timings: Sequence[Timing], threads: int) -> str:
    """The figures in Markdown: where they were measured, and a table for each section."""
    described = device.describe(torch.device("cpu"))
    commit = provenance.code()["commit"] or "no commit"
    parts = [
        f"Median and range of the rounds, {threads} threads of {described['processor']}, "
        f"torch {torch.__version__}, commit {commit[:12]}."
    ]
    for section in dict.fromkeys(each.section for each in timings):
        own = [each for each in timings if each.section == section]
        rows = [
            [what, rounds.spread([each.value for each in own if each.what == what]), unit]
            for what, unit in dict.fromkeys((each.what, each.unit) for each in own)
        ]
        parts += [f"## {section}", markdown_table(["what", "figure", "unit"], rows, words=1)]
    return "\n\n".join(parts)
