"""What the law predicts: the size, the loss and the hours for a longer text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from studies.scaling.law import FLOOR, REREADING, Fit, Law, Shape
from studies.scaling.rows import Constant, Need, StepTime, Training

FACTORS = (1, 10, 100, 1000)
"""Lengths of the text, in lengths of the training split."""
FRESH, AGAIN = "fresh text", "text read again"
"""Names of the two laws."""
GPU = "one H100"
GPU_FLOP = 989e12
"""FLOP per second, dense bfloat16 with float32 sums: NVIDIA's data sheet of the H100 SXM."""
UTILISATION = 0.4
"""An assumption: the share of GPU_FLOP that a training reaches."""
GPU_BATCH = 1 << 19
"""An assumption: characters per step on a GPU."""


@dataclass(frozen=True)
class ScalingResult:
    """The study's trainings, measured times and fitted laws, for the figure and the page.

    `fresh` is fitted to the trainings on the whole text; `again`, with the constant R, to all that
    do not overfit, and None where too few use shares of the text. `times` may be empty.
    """

    trainings: Sequence[Training]
    times: Sequence[StepTime]
    shape: Shape
    characters_per_step: int
    fresh: Fit
    again: Fit | None

    @property
    def whole(self) -> list[Training]:
        """The trainings on the whole training split."""
        return [row for row in self.trainings if row.share == 1]

    @property
    def fits(self) -> dict[str, Fit]:
        """The laws by their names in the tables."""
        return {FRESH: self.fresh} | ({AGAIN: self.again} if self.again else {})

    @property
    def knows_rereading(self) -> bool:
        """Whether the trainings determine R: its interval is inside the bounds of the search."""
        if self.again is None:
            return False
        _, low, high = self.again.interval(rereading)
        return 2 * REREADING[0] < low and high < REREADING[1] / 2

    @property
    def basis(self) -> str:
        """The name of the law used for predictions.

        The longest trainings read the text more than once, so the law with R is better where R is
        determined.
        """
        return AGAIN if self.knows_rereading else FRESH

    def constants(self) -> list[Constant]:
        """The rows of fits.csv."""
        return [
            Constant(name, constant, *fit.interval(attrgetter(constant)))
            for name, fit in self.fits.items()
            for constant in ("E", "A", "a", "B", "b", *(("R",) if fit.law.R else ()))
        ]

    def needs(self) -> list[Need]:
        """The rows of needs.csv."""
        return [self._need(factor) for factor in FACTORS]

    def _need(self, factor: int) -> Need:
        characters = factor * self.whole[0].distinct

        def size(law: Law) -> float:
            return self.shape.best_size(law, characters)

        def flop(law: Law) -> float:
            return characters * float(self.shape.flop_per_character(size(law)))

        fit = self.fits[self.basis]
        cpu, gpu = 3600 * self.cpu_flop, 3600 * GPU_FLOP * UTILISATION
        return Need(
            factor,
            characters,
            *fit.interval(size),
            *fit.interval(lambda law: float(law.loss(size(law), characters))),
            *fit.interval(flop),
            *fit.interval(lambda law: flop(law) / cpu),
            *fit.interval(lambda law: flop(law) / gpu),
        )

    @property
    def cpu_flop(self) -> float:
        """FLOP per second of the largest size whose time was measured, or NaN."""
        if not self.times:
            return math.nan
        largest = max(self.times, key=lambda row: row.blocks)
        return largest.flop / largest.seconds


def knows_floor(fit: Fit) -> bool:
    """Whether a fit determines E: its interval is above the lower bound of the search."""
    return fit.interval(attrgetter("E"))[1] > 2 * FLOOR[0]


def rereading(law: Law) -> float:
    """The constant R of a law that has one."""
    assert law.R is not None
    return law.R
