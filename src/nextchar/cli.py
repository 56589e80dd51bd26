"""Commands for the terminal: run, view, sample, play, reproduce; their --help imports no torch."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from omegaconf import DictConfig

from nextchar import config
from nextchar.config import Config, ConfigError
from nextchar.runtime import checked, console, garbage, progress
from nextchar.sweeps.jobs import SweepFailedError


def run() -> None:
    """Train, compare, report: `nextchar-run [overrides]`."""
    # Hydra then raises its errors, for exit_on_error, instead of printing them in several lines.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    exit_on_error(_take_from_run)
    sys.argv[1:] = _options_last(sys.argv[1:])
    exit_on_error(lambda: config.register(sys.argv[1:]))
    _register_plugins()
    # What Hydra can't compose is at times a bare ValueError (`training=null`).
    exit_on_error(_hydra_main, ValueError)


def _take_from_run() -> None:
    """Replace `--from RUN` in sys.argv by the overrides that make the config of that run.

    Raises ConfigError where there is no run, and for options that would show another config.
    """
    parser = argparse.ArgumentParser(prog="nextchar-run", add_help=False, allow_abbrev=False)
    parser.add_argument("--from", dest="run", metavar="RUN")
    asked, rest = parser.parse_known_args(sys.argv[1:])
    hydras, _ = get_args_parser().parse_known_intermixed_args(rest)
    name = f"{hydras.config_name or 'config'}.yaml"
    if name == "config.yaml" and hydras.config_dir and (Path(hydras.config_dir) / name).exists():
        raise ConfigError(
            f"--config-dir={hydras.config_dir}: its config.yaml is not read, as nextchar has one "
            f"of that name; that of a run is read by --from {hydras.config_dir}"
        )
    if asked.run is not None:
        from nextchar.api import find_folder

        path = find_folder(asked.run) / "config.yaml"
        if not path.is_file():
            raise ConfigError(f"--from {asked.run}: no config.yaml there; name the folder of a run")
        if checked.is_finished(path.parent):
            checked.check(path.parent, path.name, all_files=False)
        sys.argv[1:] = [*config.overrides_of(config.read_yaml(path), hydras.overrides), *rest]


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
        resolved = config.resolve(composed)
        with progress.interruptible(force=resolved.force):
            _run(resolved, HydraConfig.get().overrides.task)

    # Hydra prints an exception in its own format; SystemExit passes through.
    try:
        exit_on_error(program)
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def _run(resolved: Config, overrides: Sequence[str]) -> None:
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


def play() -> None:
    """Serve a run's page with its model behind it: `nextchar-play [RUN]`."""
    from nextchar.programs import playing

    exit_on_error(playing.play)


def reproduce() -> None:
    """Compute a finished run again and compare: `nextchar-reproduce [RUN]`."""
    from nextchar.programs import reproducing

    exit_on_error(reproducing.reproduce)


def exit_on_error(program: Callable[[], None], *user_errors: type[Exception]) -> None:
    """Run a program and print an error as one line on standard error, without a traceback.

    Exit code 2: the user gave something wrong; `user_errors` are exceptions that mean this beside
    those of the config. 1: the machine refuses (no permission, no space, a file where a folder
    should be), or jobs of a sweep failed. 130: interrupted.
    """
    garbage.collect_rarely()
    _open_streams()
    wrong: tuple[type[Exception], ...] = (*config.USER_ERRORS, *user_errors)
    console.accept_any_text(sys.stdout, sys.stderr)
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


def _open_streams() -> None:
    """Open standard streams that the caller has closed, to nowhere: a file that is opened later
    would get their number, and what is printed would go into it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


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
