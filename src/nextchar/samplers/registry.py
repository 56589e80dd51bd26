"""From the text of a config to samplers and searches: ordered mappings, applied left to right."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from nextchar.config import ConfigError
from nextchar.samplers.base import Sampler
from nextchar.samplers.decoder import Decoder, Kind, described, registered
from nextchar.samplers.external import TARGET, build_target

Spec = str | Mapping[str, Any]
"""One entry of decoding.samplers."""


def build(spec: Spec) -> Sampler:
    """`greedy`, or a mapping such as {temperature: 0.7, top_p: 0.95}, as a sampler.

    The first entry is applied first. A sampler with further parameters takes a mapping of its own:
    {mirostat: {target: 2, rate: 0.2}}. `_target_: package.Class` comes last, with its arguments
    after it; what is applied after it is its argument `sampler`. Raises ConfigError in one line.
    """
    return _built(spec, Sampler)


def build_any(spec: Spec) -> Decoder:
    """A sampler, or samplers and a search at the end: {temperature: 0.7, best_of: 8}."""
    return _built(spec, Decoder)


def build_all(specs: Sequence[Spec]) -> list[Sampler]:
    """The samplers of a comparison. Raises ConfigError when two have the same label."""
    return distinct([build(spec) for spec in specs])


def distinct(decoders: list[Kind]) -> list[Kind]:
    """The decoders as they are. Raises ConfigError when two have the same label."""
    labels = [each.label for each in decoders]
    for label in labels:
        if labels.count(label) > 1:
            raise ConfigError(f"decoding.samplers: {label!r} is listed twice; remove one")
    return decoders


def curve_names(samplers: Sequence[Sampler]) -> list[str]:
    """The samplers that have curves along their `grid`: ours, and those that are compared."""
    compared = {type(each) for sampler in samplers for each in sampler.chain}
    return [
        name
        for name, kind in registered(Sampler).items()
        if kind.grid and (kind in compared or kind.__module__.startswith(f"{__package__}."))
    ]


def _built(spec: Spec, kind: type[Kind]) -> Kind:
    steps = list(_steps(spec).items())
    known = registered(kind)
    for name, _ in steps:
        if name not in known and name != TARGET:
            raise ConfigError(
                f"decoding.samplers: no sampler is called {name!r}; there are {', '.join(known)}"
            )
    searches = [
        name for name, _ in steps if name != TARGET and not issubclass(known[name], Sampler)
    ]
    if searches and (len(searches) > 1 or searches[0] != steps[-1][0]):
        raise ConfigError(
            f"decoding.samplers: {dict(steps)}: there is one search at most, and it comes last; "
            f"move or remove {searches[0]}"
        )
    search = steps.pop() if searches else None
    made: Decoder | None = None
    for name, value in reversed(steps):
        made = build_target(value, build) if name == TARGET else _make(known[name], value, made)
        if isinstance(made, Sampler) and made.has_memory and not made.exact:
            raise ConfigError(
                f"decoding.samplers: {made.label}: a sampler with a memory needs an exact "
                f"distribution after it; remove {made.name}"
            )
    if search is not None:
        made = _make(known[search[0]], search[1], made)
    assert isinstance(made, kind)
    return made


def _steps(spec: Spec) -> dict[str, Any]:
    """The names of a spec with their values; `_target_` with itself and all that follows it."""
    if isinstance(spec, str):
        return {spec: None}
    if not isinstance(spec, Mapping) or not spec:
        raise ConfigError(
            f"decoding.samplers: {spec!r} is no sampler; write greedy or {{top_k: 5}}"
        )
    steps = {str(name): value for name, value in spec.items()}
    if TARGET not in steps:
        return steps
    names = list(steps)
    before, target = names[: names.index(TARGET)], names[names.index(TARGET) :]
    return {
        **{name: steps[name] for name in before},
        TARGET: {name: steps[name] for name in target},
    }


def _make(kind: type[Decoder], value: Any, sampler: Decoder | None) -> Decoder:
    """One step with what comes after it, or for a search what comes before it."""
    arguments = _arguments(kind, value)
    try:
        return kind(**arguments, sampler=sampler)  # type: ignore[call-arg]  # see Decoder
    except ConfigError as error:
        reason = str(error)
    except Exception as error:
        text = " ".join(str(error).split())
        reason = f"{kind.name}={value}: {described(kind)}: {type(error).__name__}: {text}"
    raise ConfigError(f"decoding.samplers: {reason.removeprefix('decoding.samplers: ')}")


def _arguments(kind: type[Decoder], value: Any) -> dict[str, Any]:
    """What follows a name in a spec, as arguments: nothing, a number, or a mapping of them.

    Raises ConfigError, with the forms that are possible, for what `kind` does not take.
    """
    parameters = kind.parameters()
    needed = {key for key, each in parameters.items() if each.default is each.empty}
    if isinstance(value, Mapping):
        arguments = dict(value)
    elif value is None and not parameters:
        return {}
    else:
        arguments = dict.fromkeys(list(parameters)[:1], value)
    fitting = all(
        key in parameters and _fits(each, parameters[key]) for key, each in arguments.items()
    )
    if parameters and needed <= arguments.keys() and fitting:
        return arguments
    forms = [f"{{{kind.name}: NUMBER}}" if parameters else kind.name]
    if len(parameters) > 1:
        forms.append(f"{{{kind.name}: {{{', '.join(f'{key}: NUMBER' for key in parameters)}}}}}")
    raise ConfigError(f"decoding.samplers: {kind.name}={value}: write {' or '.join(forms)}")


def _fits(value: Any, parameter: inspect.Parameter) -> bool:
    """A number that float64 can hold; true, false or null where the default is of that kind."""
    if value is None or isinstance(value, bool):
        return type(parameter.default) is type(value)
    return isinstance(value, (int, float)) and (not isinstance(value, int) or abs(value) < 1e308)
