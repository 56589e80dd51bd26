"""Samplers as they are written in a config: ordered mappings, applied from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nextchar.config import ConfigError
from nextchar.samplers.base import Sampler
from nextchar.samplers.greedy import GreedySampler
from nextchar.samplers.nucleus import NucleusSampler
from nextchar.samplers.temperature import TemperatureSampler
from nextchar.samplers.top_k import TopKSampler

FAMILY: dict[str, type[Sampler]] = {
    each.name: each for each in (GreedySampler, TemperatureSampler, TopKSampler, NucleusSampler)
}


def build(spec: str | Mapping[str, Any]) -> Sampler:
    """`greedy`, or a mapping such as {temperature: 0.7, top_p: 0.95}, to a sampler.

    The first entry is applied first. Raises ConfigError in one line.
    """
    steps = {spec: None} if isinstance(spec, str) else spec
    if not isinstance(steps, Mapping) or not steps:
        raise ConfigError(
            f"decoding.samplers: {spec!r} is no sampler; write greedy or {{top_k: 5}}"
        )
    sampler: Sampler | None = None
    for name, value in reversed(list(steps.items())):
        if name not in FAMILY:
            raise ConfigError(
                f"decoding.samplers: no sampler is called {name!r}; there are {', '.join(FAMILY)}"
            )
        takes_value = FAMILY[name] is not GreedySampler
        if takes_value != isinstance(value, (int, float)) or isinstance(value, bool):
            form = f"{{{name}: NUMBER}}" if takes_value else name
            raise ConfigError(f"decoding.samplers: {name}={value}: write {form}")
        arguments = (value, sampler) if takes_value else (sampler,)
        try:
            sampler = FAMILY[name](*arguments)
        except ValueError as error:
            raise ConfigError(f"decoding.samplers: {error}") from error
    assert sampler is not None
    return sampler


def build_all(specs: Sequence[str | Mapping[str, Any]]) -> list[Sampler]:
    """Every sampler of a comparison. Raises ConfigError when two have the same label."""
    samplers = [build(spec) for spec in specs]
    labels = [sampler.label for sampler in samplers]
    for label in labels:
        if labels.count(label) > 1:
            raise ConfigError(f"decoding.samplers: {label!r} stands there twice; leave one")
    return samplers
