"""`nextchar-view [RUN ...]`: open a report, draw one of its figures, or say what there is."""

from __future__ import annotations

import argparse
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path

from nextchar import api
from nextchar.config import ConfigError
from nextchar.results import MANIFEST, REPORT, read_json, read_run, runs_and_sweeps
from nextchar.results.state import state_of
from nextchar.results.sweep import PLAN, read_sweep
from nextchar.runtime import checked, lock, progress

FORMATS = ("pdf", "svg", "png")
WIDEST = 40
"""Inches of a figure at most."""


def view() -> None:
    """The command, with the arguments of the command line. Raises ConfigError for a mistake."""
    parser = argparse.ArgumentParser(
        prog="nextchar-view", description="Open a report in the browser and print its path."
    )
    parser.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        help="a run or sweep: its folder, a file in it, its name, or the beginning of its name or "
        "id; the newest by default; of several runs a page that compares them",
    )
    parser.add_argument(
        "--list", action="store_true", help="list runs and sweeps, the newest first, and open none"
    )
    figure = parser.add_argument_group("a figure for print, instead of the report")
    figure.add_argument("--figure", metavar="NAME", help="draw this figure of RUN anew")
    figure.add_argument(
        "--format", choices=FORMATS, help="the end of --output by default, else pdf; text is text"
    )
    figure.add_argument("--width", type=float, metavar="INCHES", help="scale it to this width")
    figure.add_argument(
        "--output", metavar="FILE", help="where to write it; NAME.FORMAT by default"
    )
    given = parser.parse_args()
    if given.figure is not None:
        print(_figure(given))
        return
    for name in ("format", "width", "output"):
        if (value := getattr(given, name)) is not None:
            raise ConfigError(f"--{name}={value}: is of a figure; name one with --figure")
    outputs = api.outputs()
    if given.list:
        print("\n".join(listed(outputs)) or f"no runs in {outputs}")
        return
    report = _compared(given.runs) if len(given.runs) > 1 else _single(*given.runs)
    print(report)
    if not webbrowser.open(report.as_uri()):
        progress.say(
            "no browser here; copy the file to a machine that has one, or open it over ssh: "
            f"python -m http.server 8000 --bind 127.0.0.1 --directory {report.parent} here, "
            f"ssh -L 8000:127.0.0.1:8000 THIS_MACHINE there, and http://127.0.0.1:8000/{REPORT}"
        )


def _figure(given: argparse.Namespace) -> Path:
    """The file of one figure, drawn anew from what is on disk."""
    if len(given.runs) > 1:
        raise ConfigError(f"--figure={given.figure}: is of one run; name one")
    if given.width is not None and not 0.5 <= given.width <= WIDEST:
        raise ConfigError(f"--width={given.width:g}: must be from 0.5 to {WIDEST} inches")
    ending = Path(given.output or "").suffix.removeprefix(".").lower()
    form = given.format or ending or FORMATS[0]
    if form not in FORMATS:
        raise ConfigError(f"--output={given.output}: must end in .{', .'.join(FORMATS)}")
    path = Path(given.output or f"{given.figure}.{form}").expanduser()
    folder = api.find_folder(*given.runs or [api.newest()])
    subject = read_sweep(folder) if (folder / PLAN).exists() else api.read_run(folder)
    from nextchar.plots.redraw import redraw

    redraw(subject, given.figure, path, form, given.width)
    return path


def _compared(names: Sequence[str]) -> Path:
    """The page of several runs, written now."""
    runs = [api.read_run(name) for name in names]
    from nextchar.programs.comparing import write_comparison

    return write_comparison(runs, api.outputs().resolve())


def _single(name: str | None = None) -> Path:
    folder = api.find_folder(name or api.newest())
    return _sweep_report(folder) if (folder / PLAN).exists() else _report(folder)


def _report(folder: Path) -> Path:
    """The report of a run. Raises ConfigError for one that has none, and says how far it is."""
    if not checked.is_finished(folder):
        state = state_of(folder) if folder.parent.name == "runs" else "has no report"
        again = ""
        if state.startswith("stopped"):
            again = "goes on from there" if " at step " in state else "makes it"
            again = f"; repeating its command {again}"
        raise ConfigError(f"RUN={folder.name}: {state}{again}")
    read_run(folder)  # what is damaged is not shown
    return folder / REPORT


def _sweep_report(folder: Path) -> Path:
    """The report of a sweep, written anew: it may have come further."""
    from nextchar.sweeps import scheduler, summarize

    return summarize.summarize(folder, at_work=lock.is_held(scheduler.lock_path(folder)))


def listed(outputs: Path) -> Iterator[str]:
    """A line for each run and sweep: its name, and when it finished or how far it is."""
    folders = runs_and_sweeps(outputs)
    widest = max((len(each.name) for each in folders), default=0)
    for folder in folders:
        if (folder / PLAN).exists():
            state = "sweep"
        elif checked.is_finished(folder):
            damage = checked.damage(folder, MANIFEST, all_files=False)
            state = f"damaged: {damage[0].path.name} is {damage[0].wrong}" if damage else ""
            state = state or f"finished {read_json(folder / MANIFEST)['times']['finished']}"
        else:
            state = state_of(folder)
        yield f"{folder.name:<{widest}}  {state}"
