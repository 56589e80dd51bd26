"""Samplers as they are written in a config: ordered mappings, applied from left to right."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from nextchar.config import ConfigError
from nextchar.samplers.base import Sampler
from nextchar.samplers.dry import DrySampler
from nextchar.samplers.dynamic_temperature import DynamicTemperatureSampler
from nextchar.samplers.epsilon import EpsilonSampler
from nextchar.samplers.eta import EtaSampler
from nextchar.samplers.external import TARGET, ThirdPartySampler
from nextchar.samplers.frequency_penalty import FrequencyPenaltySampler
from nextchar.samplers.greedy import GreedySampler
from nextchar.samplers.min_p import MinPSampler
from nextchar.samplers.mirostat import MirostatSampler
from nextchar.samplers.no_repeat_ngram import NoRepeatNgramSampler
from nextchar.samplers.nucleus import NucleusSampler
from nextchar.samplers.presence_penalty import PresencePenaltySampler
from nextchar.samplers.repetition_penalty import RepetitionPenaltySampler
from nextchar.samplers.temperature import TemperatureSampler
from nextchar.samplers.top_h import TopHSampler
from nextchar.samplers.top_k import TopKSampler
from nextchar.samplers.top_n_sigma import TopNSigmaSampler
from nextchar.samplers.typical import TypicalSampler
from nextchar.samplers.xtc import XTCSampler

Spec = str | Mapping[str, Any]
"""One entry of decoding.samplers."""


class _Labelled(Protocol):
    @property
    def label(self) -> str: ...


Made = TypeVar("Made", bound=_Labelled)

FAMILY: dict[str, type[Sampler]] = {
    each.name: each
    for each in (
        GreedySampler,
        TemperatureSampler,
        DynamicTemperatureSampler,
        TopKSampler,
        NucleusSampler,
        MinPSampler,
        TypicalSampler,
        EpsilonSampler,
        EtaSampler,
        TopNSigmaSampler,
        TopHSampler,
        XTCSampler,
        MirostatSampler,
        RepetitionPenaltySampler,
        FrequencyPenaltySampler,
        PresencePenaltySampler,
        NoRepeatNgramSampler,
        DrySampler,
    )
}


def build(spec: Spec) -> Sampler:
    """`greedy`, or a mapping such as {temperature: 0.7, top_p: 0.95}, to a sampler.

    The first entry is applied first. A sampler with further parameters takes a mapping of its own:
    {mirostat: {target: 2, rate: 0.2}}. {_target_: package.Class, ...} is made by Hydra. Raises
    ConfigError in one line.
    """
    steps = {spec: None} if isinstance(spec, str) else spec
    if not isinstance(steps, Mapping) or not steps:
        raise ConfigError(
            f"decoding.samplers: {spec!r} is no sampler; write greedy or {{top_k: 5}}"
        )
    if TARGET in steps:
        return ThirdPartySampler.from_spec(steps)
    sampler: Sampler | None = None
    for name, value in reversed(list(steps.items())):
        if name not in FAMILY:
            raise ConfigError(
                f"decoding.samplers: no sampler is called {name!r}; there are {', '.join(FAMILY)}"
            )
        given = arguments(name, FAMILY[name], value)
        try:
            sampler = FAMILY[name](**given, sampler=sampler)
        except ValueError as error:
            raise ConfigError(f"decoding.samplers: {error}") from None
    assert sampler is not None
    return sampler


def arguments(name: str, kind: type, value: Any) -> dict[str, Any]:
    """What stands after a name in a spec, as arguments: nothing, a number, or a mapping of them.

    Raises ConfigError, with the form that would do, for what `kind` does not take.
    """
    signature = inspect.signature(kind).parameters
    parameters = {key: each for key, each in signature.items() if key != "sampler"}
    if not parameters and value is None:
        return {}
    if _is_number(value) and parameters:
        return {next(iter(parameters)): value}
    if isinstance(value, Mapping) and parameters:
        needed = {key for key, each in parameters.items() if each.default is each.empty}
        allowed = (int, float, type(None))
        if needed <= value.keys() <= parameters.keys() and all(
            isinstance(each, allowed) for each in value.values()
        ):
            return dict(value)
    forms = [f"{{{name}: NUMBER}}" if parameters else name]
    if len(parameters) > 1:
        forms.append(f"{{{name}: {{{', '.join(f'{key}: NUMBER' for key in parameters)}}}}}")
    raise ConfigError(f"decoding.samplers: {name}={value}: write {' or '.join(forms)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def build_all(specs: Sequence[Spec], make: Callable[[Spec], Made] = build) -> list[Made]:
    """All of a comparison, each by `make`. Raises ConfigError when two have the same label."""
    made = [make(spec) for spec in specs]
    labels = [each.label for each in made]
    for label in labels:
        if labels.count(label) > 1:
            raise ConfigError(f"decoding.samplers: {label!r} stands there twice; leave one")
    return made
