"""From the text of a config to samplers and searches: ordered mappings, applied left to right."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from nextchar.config import ConfigError
from nextchar.samplers.base import Sampler
from nextchar.samplers.decoder import Decoder, described, one_line, registered
from nextchar.samplers.external import TARGET, build_target

Spec = str | Mapping[str, Any]
"""One entry of decoding.samplers."""


def build(spec: Spec) -> Sampler:
    """`greedy`, or a mapping such as {temperature: 0.7, top_p: 0.95}, as a sampler.

    The first entry is applied first. A sampler with further parameters takes a mapping of its own:
    {mirostat: {target: 2, rate: 0.2}}. `_target_: package.Class` comes last, with its arguments
    after it; what is applied after it is its argument `sampler`. Raises ConfigError in one line.
    """
    made = build_any(spec)
    if not isinstance(made, Sampler):
        raise ConfigError(f"decoding.samplers: {made.label}: no sampler; {made.name} is a search")
    return made


def build_any(spec: Spec) -> Decoder:
    """A sampler, or a search with samplers before it: {temperature: 0.7, best_of: 8}."""
    steps = _steps(spec)
    known = registered(Decoder)
    for name in steps:
        if name not in known and name != TARGET:
            remedy = f"there are {', '.join(known)}"
            if TARGET in steps:
                remedy = "arguments of _target_ come after it"
            raise ConfigError(f"decoding.samplers: no sampler is called {name!r}; {remedy}")
    *before, last = steps
    for name in filter(_is_search, before):
        reason = f"a search comes last, and there is only one; move or remove {name}"
        raise ConfigError(f"decoding.samplers: {one_line(steps)}: {reason}")
    made: Decoder | None = None
    for name in [*reversed(before), last] if _is_search(last) else [last, *reversed(before)]:
        value = steps[name]
        made = build_target(value, build) if name == TARGET else _make(known[name], value, made)
    assert made is not None
    return made


def exact_families(samplers: Sequence[Sampler]) -> list[list[Sampler]]:
    """The families that can be followed exactly along any text, each as samplers along its `grid`:
    ours without a memory, and those of what is compared but for feedback."""
    found: dict[str, list[Sampler]] = {}
    compared = list(chain.from_iterable(sampler.chain for sampler in samplers))
    for kind in registered(Sampler).values():
        first = [kind(kind.grid[0])] if kind.grid and _is_plain(kind) else []
        for each in first or [each for each in compared if type(each) is kind]:
            if each.grid and not each.has_feedback:
                family = settings(each)
                found.setdefault(family[0].label, family)
    return list(found.values())


def settings(sampler: Sampler) -> list[Sampler]:
    """A sampler at every value of its `grid`, with its further parameters; ours without a memory
    have them at their defaults, so that a family is the same in every run."""
    kind = type(sampler)
    first, *others = kind.parameters()
    further = {} if _is_plain(kind) else {name: getattr(sampler, name) for name in others}
    return [kind(**{first: value}, **further) for value in kind.grid]


def _is_plain(kind: type[Sampler]) -> bool:
    return kind.__module__.startswith(f"{__package__}.") and not kind.stateful


def _is_search(name: str) -> bool:
    return name in registered(Decoder) and name not in registered(Sampler)


def _steps(spec: Spec) -> dict[str, Any]:
    """The names of a spec with their values.

    The value of `_target_` is itself and all that follows it, except for a search at the end.
    """
    if isinstance(spec, str):
        return {spec: None}
    if not isinstance(spec, Mapping) or not spec:
        raise ConfigError(
            f"decoding.samplers: {one_line(spec)} is no sampler; write greedy or {{top_k: 5}}"
        )
    steps = {str(name): value for name, value in spec.items()}
    if TARGET not in steps:
        return steps
    items = list(steps.items())
    first, last = list(steps).index(TARGET), len(items) - _is_search(items[-1][0])
    return {**dict(items[:first]), TARGET: dict(items[first:last]), **dict(items[last:])}


def _make(kind: type[Decoder], value: Any, sampler: Decoder | None) -> Decoder:
    """One step with what is applied after it, or for a search what is applied before it."""
    arguments = _arguments(kind, value)
    try:
        return kind(**arguments, sampler=sampler)  # type: ignore[call-arg]  # see Decoder
    except ConfigError as error:
        reason = str(error)
    except Exception as error:  # of a user's class
        reason = f"{kind.name}={one_line(value)}: {described(kind)}: "
        reason += f"{type(error).__name__}: {one_line(error)}"
    raise ConfigError(f"decoding.samplers: {reason}")


def _arguments(kind: type[Decoder], value: Any) -> dict[str, Any]:
    """What follows a name in a spec, as arguments: nothing, a number, or a mapping of them.

    Raises ConfigError, with the forms that are possible, for what `kind` does not take.
    """
    parameters = kind.parameters()
    if not parameters and value is None:
        return {}
    first = dict.fromkeys(list(parameters)[:1], value)
    arguments = dict(value) if isinstance(value, Mapping) else first
    needed = {name for name, each in parameters.items() if each.default is each.empty}
    if (
        arguments
        and needed <= arguments.keys() <= parameters.keys()
        and all(_fits(each, parameters[name].default) for name, each in arguments.items())
    ):
        return arguments
    forms = [f"{{{kind.name}: NUMBER}}" if parameters else kind.name]
    if len(parameters) > 1:
        forms.append(f"{{{kind.name}: {{{', '.join(f'{name}: NUMBER' for name in parameters)}}}}}")
    shown = f"{kind.name}={one_line(value)}"
    raise ConfigError(f"decoding.samplers: {shown}: write {' or '.join(forms)}")


def _fits(value: Any, default: Any) -> bool:
    """A number that float64 can hold; true, false or null where the default is of that kind."""
    if value is None or isinstance(value, bool):
        return type(default) is type(value)
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 1e308)
