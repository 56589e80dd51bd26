"""All that a comparison can hold side by side: samplers, and searches with samplers before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nextchar.config import ConfigError
from nextchar.samplers import Sampler
from nextchar.samplers.spec import Spec, arguments, build, build_all
from nextchar.search import (
    BeamSearch,
    BestOf,
    ContrastiveSearch,
    Search,
    SpeculativeDecoding,
    StochasticBeamSearch,
)

Method = Sampler | Search

SEARCHES: dict[str, type[Search]] = {
    each.name: each
    for each in (
        BeamSearch,
        StochasticBeamSearch,
        ContrastiveSearch,
        BestOf,
        SpeculativeDecoding,
    )
}


def build_method(spec: Spec) -> Method:
    """A sampler, or {temperature: 0.7, best_of: 8}: samplers, and a search at the end.

    Raises ConfigError in one line.
    """
    if not isinstance(spec, Mapping) or not spec.keys() & SEARCHES.keys():
        return build(spec)
    *before, (name, value) = spec.items()
    misplaced = [key for key, _ in before if key in SEARCHES] or (
        [] if name in SEARCHES else [name]
    )
    if misplaced:
        raise ConfigError(
            f"decoding.samplers: {dict(spec)}: one search, and it stands last; "
            f"{misplaced[0]} is out of place"
        )
    sampler = build(dict(before)) if before else None
    try:
        return SEARCHES[name](**arguments(name, SEARCHES[name], value), sampler=sampler)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"decoding.samplers: {error}") from error


def build_methods(specs: Sequence[Spec], samples_per_prompt: int) -> list[Method]:
    """Every method of a comparison.

    Raises ConfigError when two have the same label, or one can't write so many samples a prompt.
    """
    methods = build_all(specs, build_method)
    for method in methods:
        most = method.most_samples if isinstance(method, Search) else None
        if most is not None and samples_per_prompt > most:
            raise ConfigError(
                f"decoding.samplers: {method.label}: at most {most} samples a prompt, and "
                f"decoding.samples_per_prompt={samples_per_prompt}; widen it"
            )
    return methods
