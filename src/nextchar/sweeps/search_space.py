"""The space of a search: Hydra's sweep overrides as optuna's distributions, and its points."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from nextchar.config import ConfigError


def distribution(override: Override) -> BaseDistribution:
    """The values of a sweep override as optuna's distribution.

    `1,2,3` and `choice(...)` are categories, `interval(a, b)` and `range(a, b, step)` are numbers;
    `tag(log, interval(a, b))` has a logarithmic scale, `int(interval(a, b))` integers.
    """
    value: Any = override.value()
    written = f"{override.get_key_element()}={override.get_value_string()}"
    low: Any
    high: Any
    scale: dict[str, Any]
    if isinstance(value, IntervalSweep):
        low, high, scale = value.start, value.end, {"log": "log" in value.tags}
        if scale["log"] and low <= 0:
            raise ConfigError(f"{written}: a logarithmic scale needs values above 0")
    elif isinstance(value, RangeSweep):
        values = list(value.range())
        if not values:
            raise ConfigError(f"{written}: an empty range")
        low, high, scale = values[0], values[-1], {"step": value.step}
    else:
        return CategoricalDistribution(list(override.sweep_string_iterator()))
    whole = isinstance(low, int) and isinstance(high, int)
    return IntDistribution(low, high, **scale) if whole else FloatDistribution(low, high, **scale)


def size(space: Mapping[str, BaseDistribution]) -> float:
    """The number of points of a space; infinite if a parameter is continuous."""
    return math.prod(map(_size, space.values()))


def _size(distribution: BaseDistribution) -> float:
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if distribution.step is None:
        return math.inf
    return round((distribution.high - distribution.low) / distribution.step) + 1


def point(params: Mapping[str, Any]) -> str:
    """A point as JSON: equal settings give equal strings."""
    written = {
        name: value if isinstance(value, str) else format(value, ".10g")
        for name, value in params.items()
    }
    return json.dumps(written, sort_keys=True)


def params(space: Mapping[str, BaseDistribution], written: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a point as it was written."""
    kinds = {IntDistribution: int, FloatDistribution: float, CategoricalDistribution: str}
    return {name: kinds[type(each)](written[name]) for name, each in space.items()}
