"""The law of loss: L(N, D) = E + A / N^a + B / D^b (Hoffmann et al. 2022, 2203.15556, approach 3).

L is the validation loss in nats per character, N the parameters of the blocks, D the characters
seen, E the loss that remains for any size and any text. The fit minimises the Huber loss (delta
1e-3) on log L by L-BFGS from many starts. Besiroglu et al. (2024, 2404.10102) found that the fit of
the paper had stopped before its minimum; here N and D are centred and the objective is scaled, so
that the search converges.

Characters that are read again count less (Muennighoff et al. 2023, 2305.16264, equation 5):
D' = U + U R (1 - exp(-r / R)), with U the distinct characters among the D, r = D / U - 1 the number
of times that they are read again, and R the scale of the number that is still useful.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize

from studies.scaling.rows import Training

Array = NDArray[np.float64]

HUBER = 1e-3
"""Delta of the Huber loss, in log L."""
FLOOR = (1e-3, 10.0)
"""Bounds of E, in nats per character; an E at the lower bound is not determined by the data."""
EXPONENT = (0.02, 3.0)
REREADING = (0.05, 1000.0)
"""Bounds of R."""
RESAMPLES = 200
ITERATIONS = 1000
"""The most iterations of L-BFGS from one start; a few hundred suffice where the law holds."""


@dataclass(frozen=True)
class Law:
    """E + A / N^a + B / D'^b; without a rereading constant D' is D."""

    E: float
    A: float
    a: float
    B: float
    b: float
    R: float | None = None

    def loss(
        self, parameters: ArrayLike, characters: ArrayLike, distinct: ArrayLike = math.inf
    ) -> Array:
        """Nats per character for N parameters and D characters seen, broadcast to one shape."""
        N, D = (np.asarray(each, dtype=np.float64) for each in (parameters, characters))
        effective = effective_characters(D, np.asarray(distinct, dtype=np.float64), self.R)
        return self.E + self.A / N**self.a + self.B / effective**self.b


@dataclass(frozen=True)
class Fit:
    """The law fitted to all trainings, and those fitted to trainings resampled with replacement.

    `rms` and `worst` are of the residuals of log L.
    """

    law: Law
    resampled: Sequence[Law]
    rms: float
    worst: float
    trainings: int

    def interval(self, quantity: Callable[[Law], float]) -> tuple[float, float, float]:
        """A quantity that follows from the law, and its 95% interval over the resamples."""
        low, high = np.percentile([quantity(law) for law in self.resampled], (2.5, 97.5))
        return quantity(self.law), float(low), float(high)


@dataclass(frozen=True)
class Shape:
    """The dimensions that the models share, and what one of N parameters costs.

    The models differ only in width; a block has `weights` * width^2 parameters.
    """

    layers: int
    context: int
    vocabulary: int
    weights: float

    def width(self, parameters: ArrayLike) -> Array:
        """The width at which all blocks together have `parameters`."""
        return np.sqrt(np.asarray(parameters, dtype=np.float64) / (self.layers * self.weights))

    def flop_per_character(self, parameters: ArrayLike) -> Array:
        """Floating-point operations of training per character, forward and backward.

        6 for each weight of a matrix product (blocks and head; an embedding is none), and
        12 * layers * context * width for attention (Kaplan et al. 2020, 2001.08361, table 1), for
        all scores of the window, which are all computed. The backward pass counts twice.
        """
        N, width = np.asarray(parameters, dtype=np.float64), self.width(parameters)
        products: Array = 6 * (N + self.vocabulary * width)
        return products + 12 * self.layers * self.context * width

    def best_size(self, law: Law, characters: float) -> float:
        """The N for which D characters are the compute-efficient number.

        For a given compute C = f(N) D the loss is least at
        a A / N^a = (b B / D^b) d log f / d log N.
        """
        low, high = math.log(1e2), math.log(1e16)

        def slope(log_size: float) -> float:
            size, step = math.exp(log_size), 1e-4
            costs = np.log(self.flop_per_character(size * np.exp([-step, step])))
            elasticity = (costs[1] - costs[0]) / (2 * step)
            gain = math.log(law.a * law.A) - law.a * log_size
            return float(gain - math.log(law.b * law.B * elasticity) + law.b * math.log(characters))

        if slope(low) < 0 or slope(high) > 0:
            return math.exp(low if slope(low) < 0 else high)
        return math.exp(float(brentq(slope, low, high)))


def effective_characters(characters: Array, distinct: Array, R: float | None) -> Array:
    """D': the number of fresh characters that `characters`, some of them repeated, are worth."""
    if R is None:
        return np.broadcast_to(characters, np.broadcast(characters, distinct).shape)
    U = np.minimum(characters, distinct)
    effective: Array = U + U * R * -np.expm1(-(characters / U - 1) / R)
    return effective


def fit(
    rows: Sequence[Training], *, rereading: bool = False, resamples: int = RESAMPLES, seed: int = 0
) -> Fit:
    """Fit the law to the last losses of `rows`, with the constant R where `rereading`.

    The intervals come from trainings resampled with replacement; a resample that does not
    `determine` the law is drawn again.
    """
    assert determines(rows, rereading)
    search = _Search(rows, rereading)
    whole = np.ones(len(rows))
    best = search.minimum(whole, search.starts)
    generator = np.random.default_rng(seed)
    resampled: list[Law] = []
    while len(resampled) < resamples:
        drawn = generator.integers(len(rows), size=len(rows))
        if determines([rows[i] for i in drawn], rereading):
            counts = np.bincount(drawn, minlength=len(rows)).astype(np.float64)
            found = search.minimum(counts, [best, *search.few_starts])
            resampled.append(search.law(found))
    residuals = search.residuals(best)
    return Fit(
        search.law(best),
        resampled,
        rms=float(np.sqrt(np.mean(residuals**2))),
        worst=float(np.abs(residuals).max()),
        trainings=len(rows),
    )


def determines(rows: Sequence[Training], rereading: bool) -> bool:
    """Whether the trainings determine the law.

    That needs three sizes, three numbers of characters and, for R, three trainings that read a
    share of the text more than twice.
    """
    enough = min(len({row.blocks for row in rows}), len({row.characters for row in rows})) >= 3
    again = len({row.model_id for row in rows if row.share < 1 and row.epochs > 2})
    return enough and (again >= 3 or not rereading)


class _Search:
    """The minimum over theta = (log E, log of the two terms at the centre, a, b, log R)."""

    def __init__(self, rows: Sequence[Training], rereading: bool) -> None:
        self._loss = np.log([row.last_loss for row in rows])
        self._size = np.log([row.blocks for row in rows])
        self._seen = np.array([row.characters for row in rows], dtype=np.float64)
        self._distinct = np.array([row.distinct for row in rows], dtype=np.float64)
        self._rereading = rereading
        self._centre = self._size.mean(), np.log(self._seen).mean()
        term = np.log([1e-6, 1e2])
        self._bounds = [np.log(FLOOR), term, term, EXPONENT, EXPONENT]
        axes: list[Sequence[float]] = [(-2, -0.3), (-3, -1), (-3, -1), (0.1, 0.4), (0.1, 0.4)]
        if rereading:
            self._bounds.append(np.log(REREADING))
            axes.append((0, 3))
        self.starts = [np.array(start, dtype=np.float64) for start in product(*axes)]
        self.few_starts = self.starts[:: max(len(self.starts) // 3, 1)]

    def minimum(self, counts: Array, starts: Sequence[Array]) -> Array:
        """The best minimum from all starts; training i counts counts[i] times."""
        ends = [
            minimize(
                self._objective,
                start,
                args=(counts,),
                jac=True,
                method="L-BFGS-B",
                bounds=self._bounds,
                options={"maxiter": ITERATIONS, "ftol": 1e-12, "gtol": 1e-7},
            )
            for start in starts
        ]
        found: Array = min(ends, key=lambda end: float(end.fun)).x
        return found

    def residuals(self, theta: Array) -> Array:
        """Predicted minus measured log L, for each training [n]."""
        return self._predicted(theta)[0] - self._loss

    def law(self, theta: Array) -> Law:
        E, first, second = np.exp(theta[:3])
        a, b = theta[3], theta[4]
        return Law(
            E=float(E),
            A=float(first * math.exp(a * self._centre[0])),
            a=float(a),
            B=float(second * math.exp(b * self._centre[1])),
            b=float(b),
            R=float(np.exp(theta[5])) if self._rereading else None,
        )

    def _objective(self, theta: Array, counts: Array) -> tuple[float, Array]:
        """The Huber loss in units of delta squared, and its gradient."""
        predicted, gradient = self._predicted(theta)
        off = (predicted - self._loss) / HUBER
        inside = np.abs(off) <= 1
        losses = np.where(inside, off**2 / 2, np.abs(off) - 0.5)
        slope = np.where(inside, off, np.sign(off)) / HUBER
        return float(counts @ losses), (counts * slope) @ gradient

    def _predicted(self, theta: Array) -> tuple[Array, Array]:
        """log L [n], and its derivatives by theta [n, len(theta)]."""
        size = self._size - self._centre[0]
        R = float(np.exp(theta[5])) if self._rereading else None
        effective = effective_characters(self._seen, self._distinct, R)
        data = np.log(effective) - self._centre[1]
        first, second = theta[1] - theta[3] * size, theta[2] - theta[4] * data
        terms = np.stack([np.full_like(first, theta[0]), first, second])
        largest = terms.max(axis=0)
        predicted = largest + np.log(np.exp(terms - largest).sum(axis=0))
        floor, of_size, of_data = np.exp(terms - predicted)
        columns = [floor, of_size, of_data, -of_size * size, -of_data * data]
        if R is not None:
            U = np.minimum(self._seen, self._distinct)
            again = (self._seen / U - 1) / R
            growth = U * R * (-np.expm1(-again) - again * np.exp(-again)) / effective
            columns.append(-of_data * theta[4] * growth)
        return predicted, np.stack(columns, axis=1)
