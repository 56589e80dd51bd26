"""How sure a figure is: the bootstrap over prompts, the jackknife of a set of texts.

Shapes: P prompts, S resamples, R texts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95


def prompt_weights(prompts: int, resamples: int, seed: int) -> Floats:
    """How often each prompt is drawn in each resample, [S, P]: P draws with replacement."""
    generator = np.random.default_rng((seed, prompts, resamples))
    return generator.multinomial(prompts, np.full(prompts, 1 / prompts), resamples).astype(float)


def ratio_interval(
    numerators: Floats, denominators: Floats, weights: Floats
) -> tuple[float, float, float]:
    """sum(numerators) / sum(denominators) over prompts [P], and its 95% percentile interval.

    Texts after one prompt are alike, so whole prompts are resampled (the cluster bootstrap; Davison
    & Hinkley 1997, section 3.8), with `weights` [S, P] from `prompt_weights`. A mean is a ratio
    whose denominators count. Resamples whose denominator is zero are left out; NaN where all are.
    """
    if denominators.sum() == 0:
        return np.nan, np.nan, np.nan
    value = float(numerators.sum() / denominators.sum())
    over, under = weights @ numerators, weights @ denominators
    ratios = over[under > 0] / under[under > 0]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ratios, (tail, 1 - tail))
    return value, float(low), float(high)


def pseudo_values(value: float, without: Floats) -> Floats:
    """Jackknife pseudo-values [R] (Tukey 1958) from the value of a set of R texts and those
    `without` [R] each of them:

        R value - (R - 1) without_i

    recentred on the value (the bias that the jackknife estimates stays in, as it is in every row),
    and resampled as if they were values of the texts.
    """
    if len(without) < 2:
        return np.full(len(without), value)
    pseudo = value - (len(without) - 1) * without
    centred: Floats = pseudo - pseudo.mean() + value
    return centred
