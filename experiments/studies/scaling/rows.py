"""What the scaling study leaves: its tables, a dataclass for a row of each."""

from __future__ import annotations

from dataclasses import dataclass

FOLDER = "scaling"
"""Of the outputs; the trained models lie among all others."""
TRAININGS, TIMES, FITS, NEEDS = "trainings.csv", "times.csv", "fits.csv", "needs.csv"


@dataclass(frozen=True)
class Training:
    """One finished training. Losses are in nats a character, by the protocol of training.

    `blocks` counts the parameters without embedding and head, `distinct` the characters of the text
    that it drew its windows from, `characters` all that it read, repeats included. `seconds` are
    those of its steps, whatever else the machine was doing: `StepTime` is the measured time.
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
        """How often a character was read, on average."""
        return self.characters / self.distinct

    @property
    def overfits(self) -> bool:
        """Whether it was on a share of the text and better before its end: no law here rises."""
        return self.share < 1 and self.best_loss < self.last_loss


@dataclass(frozen=True)
class StepTime:
    """Seconds a step of one size: the lower quartile of `steps`; `flop` are those of one step."""

    width: int
    blocks: int
    flop: float
    seconds: float
    steps: int
    threads: int
    processor: str


@dataclass(frozen=True)
class Constant:
    """A constant of a law, with its 95% interval; `law` says which."""

    law: str
    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Need:
    """What a text of `characters`, `factor` times the training split, needs when it is read once.

    Intervals are 95%. `cpu_hours` follow from the times that were taken (NaN without them),
    `gpu_hours` from an assumed utilisation.
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
