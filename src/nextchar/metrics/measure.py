"""Metrics of generated texts: each defined function applied to the texts of each sampler.

Shapes: R texts, P prompts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nextchar.config import ConfigError
from nextchar.metrics.catalog import Definition
from nextchar.metrics.estimators import PROMPTS, Floats, RatioEstimator, clustered
from nextchar.metrics.texts import GeneratedTexts, NoWordsError


def text_sums(
    definitions: Sequence[Definition], written: Sequence[GeneratedTexts], prompts: int
) -> list[RatioEstimator]:
    """The metrics of each sampler, as sums over the texts after each of P prompts."""
    return [
        estimator(each, texts.sampler, [clustered(side, texts.prompts, prompts) for side in sides])
        for texts in written
        for each in definitions
        if (sides := text_terms(each, texts)) is not None
    ]


def estimator(
    definition: Definition, sampler: str, sides: Iterable[Floats], clusters: str = PROMPTS
) -> RatioEstimator:
    """The metric of a sampler, from its numerators and denominators [K]."""
    info, (above, below) = definition.info, sides
    exponential = definition.exponential
    return RatioEstimator(sampler, info.name, info.unit, above, below, clusters, exponential)


def text_terms(definition: Definition, texts: GeneratedTexts) -> tuple[Floats, Floats] | None:
    """A numerator and a denominator for each text, [R]; None where the metric does not apply."""
    if definition.kind != "sets":
        return terms(definition, texts, len(texts.ids))
    whole = np.zeros(len(texts.ids)), np.zeros(len(texts.ids))
    for indices, members in texts.sets:
        own = terms(definition, members, len(indices))
        if own is None:
            return None
        for side, values in zip(whole, own, strict=True):
            side[indices] = values
    return whole


def terms(definition: Definition, measured: Any, count: int) -> tuple[Floats, Floats] | None:
    """What the metric's function says of `measured`, as numerators and denominators [count].

    A value is a numerator over 1, one that is missing (None, NaN) is 0 over 0. Raises ConfigError
    where the function of a plugin fails, or returns something else.
    """
    try:
        returned = definition.function(measured)
        if returned is None:
            return None
        if isinstance(returned, tuple):
            above, below = (np.asarray(side, dtype=float) for side in returned)
        else:
            above = np.asarray(returned, dtype=float)
            if definition.kind == "positions":
                above = above.round(12)  # a sampler that is the model is not 1e-17 away from it
            known = ~np.isnan(above)
            above, below = np.where(known, above, 0.0), known.astype(float)
    except NoWordsError:
        return None
    except Exception as error:
        if definition.plugin is None:
            raise
        raise wrong(definition, f"{type(error).__name__}: {error}") from error
    if above.shape != (count,) or below.shape != (count,):
        shapes = " and ".join(dict.fromkeys(str(each.shape) for each in (above, below)))
        raise wrong(definition, f"it returned shape {shapes}, and needs ({count},)")
    if not (np.isfinite(above).all() and np.isfinite(below).all() and (below >= 0).all()):
        raise wrong(definition, "it returned an infinite number, or a denominator below 0")
    return above, below


def wrong(definition: Definition, what: str) -> ConfigError:
    """The error of a plugin's metric, in one line."""
    said = " ".join(what.split())
    return ConfigError(
        f"plugins: {definition.file}: metric {definition.info.name!r}: {said}; see docs/methods.md"
    )
