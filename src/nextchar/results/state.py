"""How far a run has come, from what lies on disk."""

from __future__ import annotations

from pathlib import Path

from nextchar.config import ConfigError, read_yaml
from nextchar.results import run as files_of
from nextchar.runtime import checked, lock
from nextchar.runtime.checked import DamagedError


def state_of(run: Path) -> str:
    """`finished`, or `still running` or `stopped`, with the step of its training where it trains.

    The step is that of the last checkpoint: a repeated command goes on from there. Nothing of an
    unfinished run is sealed, so that what can't be true is told as damage.
    """
    if checked.is_finished(run):
        return "finished"
    held = lock.is_held(run.with_name(f"{run.name}.lock"))
    try:
        where = _where(run)
    except DamagedError as damage:
        where = f", and {damage.path.name} is {damage.wrong}"
    return f"still running{where}" if held else f"stopped{where}"


def _where(run: Path) -> str:
    """The step of the last checkpoint of a training that this run has begun and not finished.

    Raises DamagedError where a file of it is not what was written.
    """
    path = run / files_of.CONFIG
    if not path.is_file():
        raise DamagedError(path, "missing")
    asked = path.read_bytes()
    for copy in (run.parent.parent / "models").glob(f"*/{files_of.CONFIG}"):
        model = copy.parent
        if copy.read_bytes() == asked and not (model / files_of.MODEL).exists():
            history = model / files_of.HISTORY
            records = checked.read_json(history)["records"] if history.exists() else []
            step = records[-1]["step"] if records else 0
            return f" at step {step:,} of {_steps(path):,}"
    _steps(path)
    return ""


def _steps(config: Path) -> int:
    """How many steps the config of a run asks for."""
    try:
        steps = read_yaml(config)["training"]["steps"]
    except (ConfigError, KeyError, TypeError) as error:
        raise DamagedError(config, checked.CHANGED) from error
    if type(steps) is not int:
        raise DamagedError(config, checked.CHANGED)
    return steps
