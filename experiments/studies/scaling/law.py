"""The law of loss: L(N, D) = E + A / N^a + B / D^b (Hoffmann et al. 2022, 2203.15556, approach 3).

L is the validation loss in nats a character, N the parameters of the blocks, D the characters seen,
E the loss that no size and no text would lower. Fitted by the Huber loss (delta 1e-3) on log L,
with L-BFGS from many starts. Besiroglu et al. (2024, 2404.10102) found that the paper's own fit had
stopped too early; here N and D are centred and the objective is scaled, so that the search ends at
its minimum.

Characters that are read again count for less (Muennighoff et al. 2023, 2305.16264, equation 5):
D' = U + U R (1 - exp(-r / R)), with U the distinct characters among the D, r = D / U - 1 the times
that they are read again, and R how many of these are worth something.
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
"""Bounds of E, in nats a character: an E at the lower one is none that was seen."""
EXPONENT = (0.02, 3.0)
REREADING = (0.05, 1000.0)
"""Bounds of R."""
RESAMPLES = 200
ITERATIONS = 1000
"""Of L-BFGS from one start, at most; a few hundred are enough where the law holds."""


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
        """Nats a character for N parameters and D characters seen, broadcast to one shape."""
        N, D = (np.asarray(each, dtype=np.float64) for each in (parameters, characters))
        worth = worth_of(D, np.asarray(distinct, dtype=np.float64), self.R)
        return self.E + self.A / N**self.a + self.B / worth**self.b


@dataclass(frozen=True)
class Fit:
    """The law of all trainings, and those of trainings drawn again with replacement."""

    law: Law
    resampled: Sequence[Law]
    rms: float
    worst: float
    trainings: int

    def interval(self, figure: Callable[[Law], float]) -> tuple[float, float, float]:
        """A figure that follows from the law, and its 95% interval, from the resamples."""
        low, high = np.percentile([figure(law) for law in self.resampled], (2.5, 97.5))
        return figure(self.law), float(low), float(high)


@dataclass(frozen=True)
class Shape:
    """What a size costs: the models of the study differ in their width alone.

    `weights` is the number of a block's parameters in squared widths.
    """

    layers: int
    context: int
    vocabulary: int
    weights: float

    def width(self, parameters: ArrayLike) -> Array:
        """The width at which the blocks have so many parameters."""
        return np.sqrt(np.asarray(parameters, dtype=np.float64) / (self.layers * self.weights))

    def flop_a_character(self, parameters: ArrayLike) -> Array:
        """Floating-point operations of training on one character, forward and backward.

        6 for each weight of a matrix product (blocks and head; a look-up is none), and
        12 * layers * context * width for attention: Kaplan et al. 2020, 2001.08361, table 1, for
        the whole window of scores, which is what is computed. The backward pass counts twice.
        """
        N, width = np.asarray(parameters, dtype=np.float64), self.width(parameters)
        products: Array = 6 * (N + self.vocabulary * width)
        return products + 12 * self.layers * self.context * width

    def best_size(self, law: Law, characters: float) -> float:
        """The N for which D characters are the compute-efficient number.

        Where the compute C = f(N) D is given, the loss is least at
        a A / N^a = (b B / D^b) d log f / d log N.
        """
        low, high = math.log(1e2), math.log(1e16)

        def slope(log_size: float) -> float:
            size, step = math.exp(log_size), 1e-4
            costs = np.log(self.flop_a_character(size * np.exp([-step, step])))
            elasticity = (costs[1] - costs[0]) / (2 * step)
            gain = math.log(law.a * law.A) - law.a * log_size
            return float(gain - math.log(law.b * law.B * elasticity) + law.b * math.log(characters))

        if slope(low) < 0 or slope(high) > 0:
            return math.exp(low if slope(low) < 0 else high)
        return math.exp(float(brentq(slope, low, high)))


def worth_of(characters: Array, distinct: Array, R: float | None) -> Array:
    """D': how many fresh characters those are worth that were seen."""
    if R is None:
        return np.broadcast_to(characters, np.broadcast(characters, distinct).shape)
    U = np.minimum(characters, distinct)
    worth: Array = U + U * R * -np.expm1(-(characters / U - 1) / R)
    return worth


def fit(
    rows: Sequence[Training], *, rereading: bool = False, resamples: int = RESAMPLES, seed: int = 0
) -> Fit:
    """Fit the law to the last losses of `rows`, with its rereading constant where that is asked.

    Trainings are drawn again with replacement for the intervals; a draw with fewer than three
    sizes, three numbers of characters or (for the constant) three trainings that read a share of
    the text more than twice determines no law, and is drawn again.
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
    """Whether so few trainings determine the law: see `fit`."""
    enough = min(len({row.blocks for row in rows}), len({row.characters for row in rows})) >= 3
    again = len({row.model_id for row in rows if row.share < 1 and row.epochs > 2})
    return enough and (again >= 3 or not rereading)


class _Search:
    """The minimum over theta = (log E, log of the two terms at the middle, a, b, log R)."""

    def __init__(self, rows: Sequence[Training], rereading: bool) -> None:
        self._loss = np.log([row.last_loss for row in rows])
        self._size = np.log([row.blocks for row in rows])
        self._seen = np.array([row.characters for row in rows], dtype=np.float64)
        self._distinct = np.array([row.distinct for row in rows], dtype=np.float64)
        self._rereading = rereading
        self._middle = self._size.mean(), np.log(self._seen).mean()
        term = np.log([1e-6, 1e2])
        self._bounds = [np.log(FLOOR), term, term, EXPONENT, EXPONENT]
        axes: list[Sequence[float]] = [(-2, -0.3), (-3, -1), (-3, -1), (0.1, 0.4), (0.1, 0.4)]
        if rereading:
            self._bounds.append(np.log(REREADING))
            axes.append((0, 3))
        self.starts = [np.array(start, dtype=np.float64) for start in product(*axes)]
        self.few_starts = self.starts[:: max(len(self.starts) // 3, 1)]

    def minimum(self, counts: Array, starts: Sequence[Array]) -> Array:
        """The best end of all starts; each training counts `counts` times."""
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
        """Predicted less measured log L, a number for each training."""
        return self._predicted(theta)[0] - self._loss

    def law(self, theta: Array) -> Law:
        E, first, second = np.exp(theta[:3])
        a, b = theta[3], theta[4]
        return Law(
            E=float(E),
            A=float(first * math.exp(a * self._middle[0])),
            a=float(a),
            B=float(second * math.exp(b * self._middle[1])),
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
        size = self._size - self._middle[0]
        R = float(np.exp(theta[5])) if self._rereading else None
        worth = worth_of(self._seen, self._distinct, R)
        data = np.log(worth) - self._middle[1]
        first, second = theta[1] - theta[3] * size, theta[2] - theta[4] * data
        terms = np.stack([np.full_like(first, theta[0]), first, second])
        largest = terms.max(axis=0)
        predicted = largest + np.log(np.exp(terms - largest).sum(axis=0))
        floor, of_size, of_data = np.exp(terms - predicted)
        columns = [floor, of_size, of_data, -of_size * size, -of_data * data]
        if R is not None:
            U = np.minimum(self._seen, self._distinct)
            again = (self._seen / U - 1) / R
            growth = U * R * (-np.expm1(-again) - again * np.exp(-again)) / worth
            columns.append(-of_data * theta[4] * growth)
        return predicted, np.stack(columns, axis=1)
