"""`nextchar-view [RUN ...]`: open a report, or say what there is."""

from __future__ import annotations

import argparse
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path

from nextchar import api
from nextchar.config import ConfigError
from nextchar.results import MANIFEST, REPORT, read_json, read_run, runs_and_sweeps
from nextchar.results.state import state_of
from nextchar.results.sweep import PLAN
from nextchar.runtime import checked, lock, progress


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
    given = parser.parse_args()
    outputs = api.outputs()
    if given.list:
        print("\n".join(_listed(outputs)) or f"no runs in {outputs}")
        return
    report = _compared(given.runs) if len(given.runs) > 1 else _single(*given.runs)
    print(report)
    if not webbrowser.open(report.as_uri()):
        progress.say(
            "no browser here; copy the file to a machine that has one, or open it over ssh: "
            f"python -m http.server 8000 --bind 127.0.0.1 --directory {report.parent} here, "
            f"ssh -L 8000:127.0.0.1:8000 THIS_MACHINE there, and http://127.0.0.1:8000/{REPORT}"
        )


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


def _listed(outputs: Path) -> Iterator[str]:
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
