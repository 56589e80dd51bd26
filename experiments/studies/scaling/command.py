"""The study from end to end: train what is missing, fit, draw, and renew docs/scaling.md."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from nextchar import config, results
from nextchar.config import Config, ConfigError
from nextchar.data import corpus
from nextchar.runtime import progress
from studies import pages
from studies.scaling import grid, law, page, rows, timing
from studies.scaling.forecast import Study
from studies.scaling.grid import Grid
from studies.scaling.plot import draw_scaling
from studies.scaling.rows import Constant, Need, StepTime, Training

PAGE, FIGURE = Path("docs/scaling.md"), "scaling"
"""Below the repository's root; the figure lies in docs/figures."""


def main(root: Path, arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and do the study; `root` is the folder that holds docs/."""
    asked = _parser().parse_args(arguments)
    base = config.compose("corpus.fallback=null", *asked.overrides)
    wanted = Grid(asked.widths, asked.steps, asked.shares)
    folder = Path(base.paths.outputs) / rows.FOLDER
    if asked.time < 0:
        raise ConfigError(f"time={asked.time}: must be at least 1 step, or left out")
    if asked.resamples < 2:
        raise ConfigError(f"resamples={asked.resamples}: must be at least 2, for an interval")
    if asked.time:
        times = timing.measure(base, wanted.widths, asked.time)
        results.write_rows(folder / rows.TIMES, StepTime, times)
    study = studied(base, wanted, folder, asked.resamples)
    results.write_rows(folder / rows.FITS, Constant, study.constants())
    results.write_rows(folder / rows.NEEDS, Need, study.needs())
    picture = draw_scaling(study, root / "docs" / "figures", FIGURE)
    path = root / PAGE
    link = picture.relative_to(path.parent).as_posix()
    pages.replace_section(path, page.PROGRAM, page.part(study, link))
    print(f"{folder}\n{picture}\n{path}")


def studied(base: Config, wanted: Grid, folder: Path, resamples: int) -> Study:
    """The trainings of the grid, done now or before, and the laws that they follow."""
    trainings = grid.run(base, wanted)
    results.write_rows(folder / rows.TRAININGS, Training, trainings)
    times: list[StepTime] = results.read_rows(StepTime, folder / rows.TIMES)
    progress.say("fitting the laws")
    whole = [row for row in trainings if row.share == 1]
    learned = [row for row in trainings if not row.overfits]
    text = corpus.load(base.corpus)
    return Study(
        trainings=trainings,
        times=[row for row in times if row.width in wanted.widths],
        shape=grid.shape_of(grid.shape_config(base), len(text.vocabulary)),
        characters_a_step=grid.characters_a_step(base),
        fresh=law.fit(whole, resamples=resamples),
        again=law.fit(learned, rereading=True, resamples=resamples)
        if law.determines(learned, rereading=True)
        else None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scaling.py",
        description="Loss and time against size, steps and text, and what a longer text needs.",
        epilog="Trainings are kept: repeating the command goes on where it stopped.",
    )
    parser.add_argument("overrides", nargs="*", help="of the default recipe: threads=1")
    parser.add_argument("--widths", nargs="+", type=int, default=[32, 48, 64, 96, 128])
    parser.add_argument("--steps", nargs="+", type=int, default=[250, 500, 1000])
    parser.add_argument(
        "--shares",
        nargs="*",
        type=float,
        default=[0.5, 0.25, 0.0625],
        help="of the training text, beside the whole, at the middle sizes and steps",
    )
    parser.add_argument(
        "--time",
        nargs="?",
        type=int,
        const=20,
        default=0,
        metavar="STEPS",
        help="first time so many steps a size (20); the machine should do nothing else",
    )
    parser.add_argument(
        "--resamples", type=int, default=law.RESAMPLES, help="fits behind each interval"
    )
    return parser
