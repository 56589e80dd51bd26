"""Try to break the program, and write docs/reliability.md: make torture

Each kind of trial is counted, with what went wrong; a failed trial prints its number, with which
`--only KIND --from NUMBER --trials 1` repeats it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from launching import TINY, LostError, real
from studies import pages

from nextchar.results import provenance
from torture import trials
from torture.trials import Trial

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
PROGRAM = "make torture"
PAUSE = 20.0
"""Seconds between two lines that say how far the trials are."""


@dataclass
class Tally:
    """How many trials of a kind were made, and what went wrong."""

    words: str
    tried: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


KINDS: dict[str, tuple[Callable[[Path], Trial], int, str]] = {
    "kills": (
        trials.kills,
        67,
        "three SIGKILLs each, at any moment of a run, its figures, a sweep or its jobs",
    ),
    "mutations": (
        trials.mutations,
        2000,
        "a file of a run, a stopped training, a model or a sweep changed or gone",
    ),
    "commands": (trials.command_lines, 500, "a key or an option with a value that it can't have"),
    "environments": (trials.environments, 60, "a real start in an unusual environment"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make torture", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--only", choices=[*KINDS, "soak"], action="append")
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of trials")
    parser.add_argument("--trials", type=int, help="instead of the usual number")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="NUMBER")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--page", action="store_true", help=f"write {PAGE.name}")
    given = parser.parse_args()
    tallies: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        base = tiny(Path(folder) / "base")
        for kind, (make, usual, words) in KINDS.items():
            if kind in (given.only or KINDS):
                count = given.trials or max(1, round(usual * given.share))
                numbers = range(given.first, given.first + count)
                tallies[kind] = repeated(kind, words, make, base, numbers, given.processes)
                write(tallies, given.page)
        if "soak" in (given.only or ["soak"]):
            runs = given.trials or max(10, round(2000 * given.share))
            tallies["soak"] = soaked(base, runs)
            write(tallies, given.page)
    sys.exit(any(tally.failures for tally in tallies.values()))


def tiny(folder: Path) -> Path:
    """A working folder with a text and a finished tiny run."""
    said = "the king and the queen speak of love and war by night over the hills"
    lines = [f"{said[i % 60 :]} {said[: i % 60]}." for i in range(140)]
    folder.mkdir()
    (folder / "play.txt").write_text("ANN:\n" + "\n".join(lines) + "\n", encoding="utf-8")
    ended = real(folder, "run", *TINY)
    assert ended.code == 0, ended.err
    return folder


def repeated(
    kind: str,
    words: str,
    make: Callable[[Path], Trial],
    base: Path,
    numbers: Sequence[int],
    processes: int,
) -> Tally:
    """Make the trials, some beside each other, and print what goes wrong, and now and then how far
    they are."""
    tally, clock, trial = Tally(words), time.perf_counter(), make(base)
    started = said = time.perf_counter()

    def one(number: int) -> tuple[int, str]:
        try:
            return number, trial(number)
        except AssertionError as error:
            return number, str(error)
        except LostError:
            print(f"{kind} {number}: made again, as the server of processes ended", flush=True)
            return number, trial(number)

    with ThreadPoolExecutor(processes) as pool:
        for number, failure in pool.map(one, numbers):
            tally.tried += 1
            if failure:
                tally.failures.append(failure)
                print(f"{kind} {number}: {failure}", flush=True)
            if (now := time.perf_counter()) > said + PAUSE:
                said = now
                left = (len(numbers) - tally.tried) * (now - started) / tally.tried / 60
                done = f"{tally.tried:,} of {len(numbers):,} tried, {len(tally.failures)} failed"
                print(f"{kind}: {done}, {left:.1f} minutes left", flush=True)
    tally.seconds = time.perf_counter() - clock
    print(f"{kind}: {tally.tried} tried, {len(tally.failures)} failed", flush=True)
    return tally


def soaked(base: Path, runs: int) -> Tally:
    """Many runs in one process."""
    tally = Tally("runs in one process: memory, threads and open files stay")
    clock = time.perf_counter()
    for made, grown in trials.soak(base, runs):
        tally.tried = made
        print(f"soak: {made} runs, {grown or 'nothing grew'}", flush=True)
        if grown:
            tally.failures.append(f"after {made} runs: {grown}")
    tally.seconds = time.perf_counter() - clock
    return tally


def write(tallies: dict[str, Tally], wanted: bool) -> None:
    """Write the page, if it is wanted, with what has been tried so far."""
    if wanted:
        pages.replace_section(PAGE, PROGRAM, page(tallies))
        print(PAGE)


def page(tallies: dict[str, Tally]) -> str:
    """The counts in Markdown."""
    commit = provenance.code()["commit"] or "no commit"
    lines = [
        f"Commit {commit[:12]}.",
        "",
        "| what was done | trials | went wrong | minutes |",
        "| :--- | ---: | ---: | ---: |",
        *(
            f"| {each.words} | {each.tried:,} | {len(each.failures)} | {each.seconds / 60:.1f} |"
            for each in tallies.values()
        ),
    ]
    wrong = [f"- {failure}" for tally in tallies.values() for failure in tally.failures]
    return "\n".join([*lines, *(["", "What went wrong:", "", *wrong] if wrong else [])])


if __name__ == "__main__":
    main()
