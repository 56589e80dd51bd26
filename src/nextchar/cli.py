"""Commands for the terminal: run, view and sample; their --help imports no torch."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from omegaconf import DictConfig

from nextchar import config
from nextchar.runtime import progress
from nextchar.sweeps.jobs import SweepFailedError


def run() -> None:
    """Train, compare, report: `nextchar-run [overrides]`."""
    # Hydra then raises its errors, for exit_on_error, instead of printing them in several lines.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv[1:] = _options_last(sys.argv[1:])
    exit_on_error(lambda: config.register(sys.argv[1:]))
    _register_plugins()
    # What Hydra can't compose is at times a bare ValueError (`training=null`).
    exit_on_error(_hydra_main, ValueError)


def _options_last(arguments: Sequence[str]) -> list[str]:
    """Overrides, then options: Hydra's parser takes no option between two overrides."""
    parsed, _ = get_args_parser().parse_known_intermixed_args(list(arguments))
    return sorted(arguments, key=lambda each: each not in parsed.overrides)


def _register_plugins() -> None:
    """Register our launchers and sweepers: Hydra does not find those of an editable install."""
    # Only after Hydra has looked: it runs the module of each plugin that it finds once more.
    plugins = Plugins.instance()
    from hydra_plugins.nextchar_sweeps import launchers, sweepers

    for plugin in (*launchers.LAUNCHERS, *sweepers.SWEEPERS):
        plugins.register(plugin)


@hydra.main(version_base="1.3", config_path="pkg://nextchar.conf", config_name="config")
def _hydra_main(composed: DictConfig) -> None:
    def program() -> None:
        with progress.interruptible(force=bool(composed.force)):
            _run(composed, HydraConfig.get().overrides.task)

    # Hydra prints an exception in its own format; SystemExit passes through.
    try:
        exit_on_error(program)
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def _run(composed: DictConfig, overrides: Sequence[str]) -> None:
    resolved = config.resolve(composed)
    from nextchar.experiment.stored import read_or_run
    from nextchar.report.summary import seeds_note
    from nextchar.report.table import headline_table
    from nextchar.report.terminal import as_text

    finished = read_or_run(resolved, command=shlex.join(["nextchar-run", *overrides]))
    print(as_text(headline_table(finished)))
    if finished.seeds:
        print(f"{seeds_note(finished)}\n")
    print(f"report: {finished.folder / 'report.html'}")


def view() -> None:
    """Open a report and print its path: `nextchar-view [RUN]`."""
    from nextchar.programs import viewing

    exit_on_error(viewing.view)


def sample() -> None:
    """Continue a prompt with the model of a run: `nextchar-sample [RUN] --prompt TEXT`."""
    from nextchar.programs import sampling

    exit_on_error(sampling.sample)


def exit_on_error(program: Callable[[], None], *user_errors: type[Exception]) -> None:
    """Run a program and print an error as one line on standard error, without a traceback.

    Exit code 2: the user gave something wrong; `user_errors` are exceptions that mean this beside
    those of the config. 1: the machine refuses (no permission, no space, a file where a folder
    should be), or jobs of a sweep failed. 130: interrupted.
    """
    wrong: tuple[type[Exception], ...] = (*config.USER_ERRORS, *user_errors)
    try:
        program()
        sys.stdout.flush()
    except wrong as error:
        sys.exit(_fail(config.one_line(error), 2))
    except (OSError, SweepFailedError) as error:
        if isinstance(error, BrokenPipeError) and _output_is_closed():
            sys.exit(1)
        sys.exit(_fail(str(error), 1))
    except KeyboardInterrupt as stop:
        sys.exit(_fail(f"interrupted; {stop}" if stop.args else "interrupted", 130))


def _output_is_closed() -> bool:
    """Whether nothing reads standard output any more (`| head`); later output is then dropped."""
    try:
        print(flush=True)  # flush alone finds nothing to write: the failed write was dropped
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _fail(message: str, code: int) -> int:
    print(f"nextchar: {message}", file=sys.stderr)
    return code
