"""All that a comparison can hold side by side: samplers, and searches with samplers before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nextchar.config import ConfigError
from nextchar.decoding.search import (
    BeamSearch,
    BestOf,
    ContrastiveSearch,
    Search,
    SpeculativeDecoding,
    StochasticBeamSearch,
)
from nextchar.samplers import Sampler
from nextchar.samplers.external import TARGET
from nextchar.samplers.registry import FAMILY, Spec, arguments, build, build_all

Decoder = Sampler | Search

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


def build_decoder(spec: Spec) -> Decoder:
    """A sampler, or {temperature: 0.7, best_of: 8}: samplers, and a search at the end.

    Raises ConfigError in one line.
    """
    names = [spec] if isinstance(spec, str) else list(spec) if isinstance(spec, Mapping) else []
    unknown = [name for name in names if name not in FAMILY.keys() | SEARCHES.keys()]
    if unknown and TARGET not in names:
        raise ConfigError(
            f"decoding.samplers: no sampler is called {unknown[0]!r}; there are "
            f"{', '.join([*FAMILY, *SEARCHES])}"
        )
    if not set(names) & SEARCHES.keys():
        return build(spec)
    steps = {spec: None} if isinstance(spec, str) else spec
    *before, (name, value) = steps.items()
    misplaced = [key for key, _ in before if key in SEARCHES] or (
        [] if name in SEARCHES else [name]
    )
    if misplaced:
        raise ConfigError(
            f"decoding.samplers: {dict(steps)}: one search, and it stands last; "
            f"{misplaced[0]} is out of place"
        )
    sampler = build(dict(before)) if before else None
    given = arguments(name, SEARCHES[name], value)
    try:
        return SEARCHES[name](**given, sampler=sampler)
    except ValueError as error:
        raise ConfigError(f"decoding.samplers: {error}") from None


def build_decoders(specs: Sequence[Spec], samples_per_prompt: int) -> list[Decoder]:
    """Every method of a comparison.

    Raises ConfigError when two have the same label, or one can't write so many samples a prompt.
    """
    methods = build_all(specs, build_decoder)
    for method in methods:
        most = method.most_samples if isinstance(method, Search) else None
        if most is not None and samples_per_prompt > most:
            raise ConfigError(
                f"decoding.samplers: {method.label}: at most {most} samples a prompt, and "
                f"decoding.samples_per_prompt={samples_per_prompt}; widen it"
            )
    return methods
