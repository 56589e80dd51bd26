"""The study from end to end: train missing models, fit, draw, and update docs/scaling.md."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from nextchar import config, results
from nextchar.config import Config, ConfigError
from nextchar.data.corpus import load as load_corpus
from nextchar.runtime import progress
from studies import pages
from studies.scaling import grid, law, page, rows, timing
from studies.scaling.forecast import ScalingResult
from studies.scaling.grid import Grid
from studies.scaling.plot import draw_scaling
from studies.scaling.rows import Constant, Need, Training

PAGE, FIGURE = Path("docs/scaling.md"), "scaling"
"""The page, relative to the root, and the figure's name in docs/figures."""


def main(root: Path, arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run the study; `root` is the folder that holds docs/.

    Raises ConfigError for impossible options.
    """
    options = _parser().parse_args(arguments)
    base = config.compose("corpus.fallback=null", *options.overrides)
    wanted = Grid(options.widths, options.steps, options.shares)
    folder = Path(base.paths.outputs) / rows.FOLDER
    if options.time < 0:
        raise ConfigError(f"time={options.time}: must be at least 1 step, or left out")
    if options.resamples < 2:
        raise ConfigError(f"resamples={options.resamples}: must be at least 2, for an interval")
    if options.time:
        rows.write_times(folder, timing.measure(base, wanted.widths, options.time))
    result = run(base, wanted, folder, options.resamples)
    results.write_rows(folder / rows.FITS, Constant, result.constants())
    results.write_rows(folder / rows.NEEDS, Need, result.needs())
    picture = draw_scaling(result, root / "docs" / "figures", FIGURE)
    path = root / PAGE
    link = picture.relative_to(path.parent).as_posix()
    pages.replace_section(path, page.PROGRAM, page.section(result, link))
    print(f"{folder}\n{picture}\n{path}")


def run(base: Config, wanted: Grid, folder: Path, resamples: int) -> ScalingResult:
    """Train the grid, or read what is trained, and fit the laws."""
    trainings = grid.run(base, wanted)
    results.write_rows(folder / rows.TRAININGS, Training, trainings)
    times = rows.read_times(folder)
    progress.say("fitting the laws")
    whole = [row for row in trainings if row.share == 1]
    fitted = [row for row in trainings if not row.overfits]
    corpus = load_corpus(base.corpus)
    return ScalingResult(
        trainings=trainings,
        times=[row for row in times if row.width in wanted.widths],
        shape=grid.shape_of(grid.transformer_config(base), len(corpus.vocabulary)),
        characters_per_step=grid.characters_per_step(base),
        fresh=law.fit(whole, resamples=resamples),
        again=law.fit(fitted, rereading=True, resamples=resamples)
        if law.determines(fitted, rereading=True)
        else None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scaling.py",
        description="Loss and time against size, steps and text, and the needs of a longer text.",
        epilog="Trained models are kept: repeating the command continues where it stopped.",
    )
    parser.add_argument("overrides", nargs="*", help="of the default recipe, such as threads=1")
    parser.add_argument("--widths", nargs="+", type=int, default=[32, 48, 64, 96, 128])
    parser.add_argument("--steps", nargs="+", type=int, default=[250, 500, 1000])
    parser.add_argument(
        "--shares",
        nargs="*",
        type=float,
        default=[0.5, 0.25, 0.0625],
        help="of the training text, besides the whole, at the middle sizes and steps",
    )
    parser.add_argument(
        "--time",
        nargs="?",
        type=int,
        const=20,
        default=0,
        metavar="STEPS",
        help="first measure the time of STEPS steps (20) per size; the machine should be idle",
    )
    parser.add_argument(
        "--resamples", type=int, default=law.RESAMPLES, help="number of fits for each interval"
    )
    return parser
