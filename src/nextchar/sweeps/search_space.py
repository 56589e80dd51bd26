"""Where a search looks: the values of each parameter, in Hydra's words and in optuna's."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from nextchar.config import ConfigError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

ENUMERABLE = 10**6
"""Points of a finite space that are listed, to draw untried ones from; larger ones are not."""

Space = Mapping[str, "BaseDistribution"]


def distribution(override: Override) -> BaseDistribution:
    """The values that a sweep override names, as optuna knows them.

    `1,2,3` and `choice(...)` are categories, `interval(a, b)` and `range(a, b, step)` are numbers;
    `tag(log, interval(a, b))` is drawn on a logarithmic scale, `int(interval(a, b))` whole.
    """
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    value: Any = override.value()
    key = override.get_key_element()
    if isinstance(value, IntervalSweep):
        low: Any = value.start
        high: Any = value.end
        log = "log" in value.tags
        if log and low <= 0:
            raise ConfigError(
                f"{key}={override.get_value_string()}: a logarithmic scale needs values above 0"
            )
        if isinstance(low, int) and isinstance(high, int):
            return IntDistribution(low, high, log=log)
        return FloatDistribution(low, high, log=log)
    if isinstance(value, RangeSweep):
        values = list(value.range())
        if not values:
            raise ConfigError(f"{key}={override.get_value_string()}: an empty range")
        step = value.step
        if all(isinstance(each, int) for each in values):
            return IntDistribution(int(values[0]), int(values[-1]), step=int(step))
        return FloatDistribution(float(values[0]), float(values[-1]), step=float(step))
    return CategoricalDistribution(list(override.sweep_string_iterator()))


def _size(distribution: BaseDistribution) -> float:
    """How many values there are: infinitely many, or too many to list, are infinite."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    if isinstance(distribution, IntDistribution):
        size = (distribution.high - distribution.low) // distribution.step + 1
    else:
        assert isinstance(distribution, FloatDistribution)
        if distribution.step is None:
            return math.inf
        size = round((distribution.high - distribution.low) / distribution.step) + 1
    return size if size <= ENUMERABLE else math.inf


def _values(distribution: BaseDistribution) -> Sequence[Any]:
    """The values of a distribution that has finitely many."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    assert distribution.step is not None
    count = int(_size(distribution))
    return [distribution.low + index * distribution.step for index in range(count)]


def point(params: Mapping[str, Any]) -> str:
    """A point as text: equal settings are equal texts."""
    written = {
        name: value if isinstance(value, str) else format(value, ".10g")
        for name, value in params.items()
    }
    return json.dumps(written, sort_keys=True)


def settings(point: str) -> dict[str, str]:
    settings: dict[str, str] = json.loads(point)
    return settings


def size(space: Space) -> float:
    """How many points there are; infinitely many where they are too many to list."""
    points = math.prod(_size(each) for each in space.values())
    return points if points <= ENUMERABLE else math.inf


def points(space: Space) -> list[dict[str, Any]]:
    """The points of a finite space."""
    axes = [[(name, value) for value in _values(each)] for name, each in space.items()]
    return [dict(point) for point in product(*axes)]
