"""The programs behind experiments/*.py and the installed commands; --help imports no torch."""

from __future__ import annotations

import os
import shlex
import sys
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from nextchar import config
from nextchar.sweep.jobs import SweepFailedError


def run() -> None:
    """Train, compare, report: `nextchar-run [overrides]`."""
    # Errors come to _reported instead of being printed by Hydra in several lines.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    config.register()
    _register_plugins()
    _reported(_hydra_main)


def _register_plugins() -> None:
    """Hydra looks for plugins in folders, and does not find those of an editable install."""
    plugins = Plugins.instance()
    from hydra_plugins.nextchar_sweeps import launchers, sweepers

    for plugin in (*launchers.LAUNCHERS, *sweepers.SWEEPERS):
        plugins.register(plugin)


@hydra.main(version_base="1.3", config_path="pkg://nextchar.conf", config_name="config")
def _hydra_main(composed: DictConfig) -> None:
    # Hydra announces an exception in words of its own, an exit it lets pass.
    _reported(lambda: _run(composed, HydraConfig.get().overrides.task))


def _run(composed: DictConfig, overrides: Sequence[str]) -> None:
    asked = config.resolve(composed)
    from nextchar import experiment, table

    finished = experiment.run(asked, command=shlex.join(["nextchar-run", *overrides]))
    print(table.as_text(table.compare(finished.metrics)))
    print(f"report: {finished.folder / 'report.html'}")


def view() -> None:
    """Open a report and print its path: `nextchar-view [RUN]`."""
    _reported(_view)


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
        from nextchar import lock
        from nextchar.sweep import driver, gathering

        gathering.gather(folder, at_work=lock.is_held(driver.lock_path(folder)))
    report = folder / "report.html"
    if not report.is_file():
        raise config.ConfigError(
            f"RUN={named}: no report there; name a run of {outputs / 'runs'} or a sweep of "
            f"{outputs / 'sweeps'}, or run the experiment"
        )
    print(report)
    webbrowser.open(report.as_uri())


def _reported(program: Callable[[], None]) -> None:
    """Run a program; what the user did wrong is one line on standard error, and exit code 2."""
    try:
        program()
    except (config.ConfigError, HydraException, OmegaConfBaseException) as error:
        sys.exit(_fail(_one_line(error), 2))
    except SweepFailedError as error:
        sys.exit(_fail(str(error), 1))
    except KeyboardInterrupt:
        sys.exit(_fail("interrupted; the same command goes on from the last checkpoint", 130))


def _fail(message: str, code: int) -> int:
    print(f"nextchar: {message}", file=sys.stderr)
    return code


def _one_line(error: BaseException) -> str:
    """The first line of an error, and of the one behind it where Hydra has wrapped another."""
    reasons = [error] if error.__cause__ is None else [error, error.__cause__]
    return ": ".join(str(reason).strip().splitlines()[0].rstrip(".") for reason in reasons)
