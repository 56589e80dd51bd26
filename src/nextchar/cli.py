"""The programs behind experiments/*.py and the installed commands; --help imports no torch."""

from __future__ import annotations

import os
import re
import shlex
import sys
import traceback
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from nextchar import config
from nextchar.runtime import progress
from nextchar.sweeps.jobs import SweepFailedError


def run() -> None:
    """Train, compare, report: `nextchar-run [overrides]`."""
    # Errors come to exit_on_error instead of being printed by Hydra in several lines.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv[1:] = _options_last(sys.argv[1:])
    exit_on_error(lambda: config.register(sys.argv[1:]))
    _register_plugins()
    # What Hydra can't compose is at times a bare ValueError (`training=null`).
    exit_on_error(_hydra_main, ValueError)


def _options_last(arguments: Sequence[str]) -> list[str]:
    """Overrides, then options: Hydra's parser takes no option between two overrides."""
    parsed, _ = get_args_parser().parse_known_intermixed_args(list(arguments))
    overrides = list(parsed.overrides)
    return [*overrides, *_without(arguments, overrides)]


def _without(arguments: Sequence[str], taken: Sequence[str]) -> list[str]:
    left, rest = list(taken), []
    for argument in arguments:
        if argument in left:
            left.remove(argument)
        else:
            rest.append(argument)
    return rest


def _register_plugins() -> None:
    """Hydra looks for plugins in folders, and does not find those of an editable install."""
    # Not before Hydra looked: what it finds imported it runs again, its own sweeper too.
    plugins = Plugins.instance()
    from hydra_plugins.nextchar_sweeps import launchers, sweepers

    for plugin in (*launchers.LAUNCHERS, *sweepers.SWEEPERS):
        plugins.register(plugin)


@hydra.main(version_base="1.3", config_path="pkg://nextchar.conf", config_name="config")
def _hydra_main(composed: DictConfig) -> None:
    def program() -> None:
        with progress.interruptible(force=bool(composed.force)):
            _run(composed, HydraConfig.get().overrides.task)

    # Hydra announces an exception in words of its own, an exit it lets pass.
    try:
        exit_on_error(program)
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def _run(composed: DictConfig, overrides: Sequence[str]) -> None:
    asked = config.resolve(composed)
    from nextchar.experiment.run import run_experiment
    from nextchar.metrics.groups import headlines
    from nextchar.report.summary import seeds_note
    from nextchar.report.table import compare
    from nextchar.report.terminal import as_text

    finished = run_experiment(asked, command=shlex.join(["nextchar-run", *overrides]))
    print(as_text(compare(headlines(finished.metrics), finished.definitions)))
    if finished.seeds:
        print(f"{seeds_note(finished)}\n")
    print(f"report: {finished.folder / 'report.html'}")


def view() -> None:
    """Open a report and print its path: `nextchar-view [RUN]`."""
    exit_on_error(_view)


def _view() -> None:
    arguments = sys.argv[1:]
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        print(
            "usage: nextchar-view [RUN]   RUN: a folder, or a name in outputs/runs or "
            "outputs/sweeps; else the newest"
        )
        sys.exit(0 if len(arguments) == 1 else 2)
    outputs = Path(os.environ.get("NEXTCHAR_OUTPUTS", "outputs"))
    named = Path(arguments[0]) if arguments else outputs / "latest"
    places = (named, outputs / "runs" / named, outputs / "sweeps" / named)
    folder = next((place for place in places if place.exists()), named).resolve()
    if (folder / "sweep.json").exists():
        from nextchar.runtime import lock
        from nextchar.sweeps import scheduler, summarize

        summarize.summarize(folder, at_work=lock.is_held(scheduler.lock_path(folder)))
    report = folder / "report.html"
    if not report.is_file():
        raise config.ConfigError(
            f"RUN={named}: no report there; name a run of {outputs / 'runs'} or a sweep of "
            f"{outputs / 'sweeps'}, or run the experiment"
        )
    print(report)
    webbrowser.open(report.as_uri())


def exit_on_error(program: Callable[[], None], *wrong: type[Exception]) -> None:
    """Run a program; what the user did wrong is one line on standard error, and exit code 2.

    `wrong` are exceptions that are the user's here beside those that always are. What the machine
    refuses (no permission, no space, a file in the place of a folder) is one line and exit code 1.
    """
    users: tuple[type[Exception], ...] = (
        config.ConfigError,
        HydraException,
        OmegaConfBaseException,
        *wrong,
    )
    try:
        program()
        sys.stdout.flush()
    except users as error:
        sys.exit(_fail(_one_line(error), 2))
    except (OSError, SweepFailedError) as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            sys.exit(1)
        sys.exit(_fail(str(error), 1))
    except KeyboardInterrupt as stop:
        sys.exit(_fail(f"interrupted; {stop}" if stop.args else "interrupted", 130))


def _nobody_reads() -> bool:
    """Whether standard output has ended (`| head`); if so, what is left goes nowhere, in peace."""
    try:
        print(flush=True)  # flush alone finds nothing to write: the failed write was dropped
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _fail(message: str, code: int) -> int:
    print(f"nextchar: {message}", file=sys.stderr)
    return code


def _one_line(error: BaseException) -> str:
    """An error of the user's as one line: key, value and remedy, also where Hydra's has several."""
    if isinstance(error, OverrideParseException):
        reason = str(error).partition("\nSee ")[0].replace("\n", ": ")
        return f"{error.override}: {reason}; special characters need quotes: 'key=\"value\"'"
    if isinstance(error, MissingConfigException) and error.options:
        return f"{_first_line(error)}; there are {', '.join(error.options)}"
    if unknown := re.match(r"Could not override '((?!hydra)[\w.]+)'", str(error)):
        return config.unknown_key(unknown[1])
    if isinstance(error, HydraException) and error.__cause__ is not None:
        return f"{_first_line(error)}: {_first_line(error.__cause__)}"
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    """With the line after it where it only announces that one."""
    first, _, rest = str(error).strip().partition("\n")
    return f"{first} {rest.partition(chr(10))[0]}" if first.endswith(":") else first.rstrip(".")
