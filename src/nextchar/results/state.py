"""How far a run has come, from what lies on disk."""

from __future__ import annotations

from pathlib import Path

from nextchar.config import read_yaml
from nextchar.results import run as files_of
from nextchar.results.schema import read_training
from nextchar.runtime import lock


def state_of(run: Path) -> str:
    """`finished`, or `still running` or `stopped`, with the step of its training where it trains.

    The step is that of the last checkpoint: a repeated command goes on from there.
    """
    if (run / files_of.DONE).exists():
        return "finished"
    held = lock.is_held(run.with_name(f"{run.name}.lock"))
    steps = read_yaml(run / files_of.CONFIG)["training"]["steps"]
    step = _last_step(run)
    where = "" if step is None else f" at step {step:,} of {steps:,}"
    return f"still running{where}" if held else f"stopped{where}"


def _last_step(run: Path) -> int | None:
    """The step of the last checkpoint of a training that this run has begun and not finished."""
    config = (run / files_of.CONFIG).read_bytes()
    for path in (run.parent.parent / "models").glob(f"*/{files_of.CONFIG}"):
        model = path.parent
        if path.read_bytes() == config and not (model / files_of.MODEL).exists():
            records = model / files_of.TRAINING
            return read_training(records)[-1].step if records.exists() else 0
    return None
