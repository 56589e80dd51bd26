"""The tables of the scaling study: a dataclass for the rows of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nextchar import results
from nextchar.runtime import checked

FOLDER = "scaling"
"""In the outputs; the trained models are in outputs/models like all others."""
TRAININGS, TIMES, FITS, NEEDS = "trainings.csv", "times.csv", "fits.csv", "needs.csv"
MEASURED = "times.json"
"""The times with their sha256: the one table that is read back; times.csv is the copy for readers.
"""


@dataclass(frozen=True)
class Training:
    """One finished training. Losses are whole-split validation losses in nats per character.

    `blocks` counts the parameters without embedding and head, `distinct` the characters of the
    training text, `characters` all that were read, repeats included. `seconds` are those of its
    steps on a machine that may be busy; `StepTime` is measured on an idle one.
    """

    model_id: str
    layers: int
    width: int
    share: float
    steps: int
    seed: int
    parameters: int
    blocks: int
    characters: int
    distinct: int
    flop: float
    last_loss: float
    best_loss: float
    best_step: int
    seconds: float

    @property
    def epochs(self) -> float:
        """How often each character was read, on average."""
        return self.characters / self.distinct

    @property
    def overfits(self) -> bool:
        """Whether it used a share of the text and was better before its end.

        Such trainings are not fitted: the law falls with every step.
        """
        return self.share < 1 and self.best_loss < self.last_loss


@dataclass(frozen=True)
class StepTime:
    """Seconds per step of one size, the lower quartile of `steps`; `flop` is per step."""

    width: int
    blocks: int
    flop: float
    seconds: float
    steps: int
    threads: int
    processor: str


def write_times(folder: Path, times: Sequence[StepTime]) -> None:
    """Write times.json and times.csv."""
    checked.write_json(folder / MEASURED, {"times": [asdict(each) for each in times]})
    results.write_rows(folder / TIMES, StepTime, times)


def read_times(folder: Path) -> list[StepTime]:
    """The measured times; none where nothing was measured.

    Raises DamagedError if they are not those that were written.
    """
    if not any((folder / name).exists() for name in (MEASURED, TIMES)):
        return []
    remedy = f"measure again with --time, or delete it and {TIMES}"
    stored = checked.read_json(folder / MEASURED, remedy)
    return [StepTime(**row) for row in stored["times"]]


@dataclass(frozen=True)
class Constant:
    """A constant of one of the laws, with its 95% interval."""

    law: str
    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Need:
    """What a text of `characters`, `factor` times the training split, needs when it is read once.

    With 95% intervals. `cpu_hours` follow from the measured times (NaN without them), `gpu_hours`
    from an assumed utilisation.
    """

    factor: int
    characters: int
    parameters: float
    parameters_low: float
    parameters_high: float
    loss: float
    loss_low: float
    loss_high: float
    flop: float
    flop_low: float
    flop_high: float
    cpu_hours: float
    cpu_hours_low: float
    cpu_hours_high: float
    gpu_hours: float
    gpu_hours_low: float
    gpu_hours_high: float
