"""The whole family: one config runs it, each has its own label and look."""

from __future__ import annotations

from importlib.resources import files
from itertools import combinations

from omegaconf import OmegaConf

from nextchar.decoding.registry import build_decoders
from nextchar.metrics.families import families
from nextchar.plots.palette import look
from nextchar.results.labels import label_names
from nextchar.samplers import Decoder, registered
from nextchar.samplers.external import TARGET


def all_specs() -> list[object]:
    return specs_of("all")


def test_one_config_runs_every_method():
    specs = all_specs()
    named = {name for spec in specs for name in ([spec] if isinstance(spec, str) else spec)}
    ours = {
        name
        for name, kind in registered(Decoder).items()
        if kind.__module__.startswith("nextchar.")
    }
    assert ours | {TARGET} <= named
    assert len(build_decoders(specs, 1)) == len(specs)


def specs_of(group: str) -> list[object]:
    text = files("nextchar.conf").joinpath(f"decoding/{group}.yaml").read_text(encoding="utf-8")
    plain = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(plain, dict)
    return plain["samplers"]


def test_every_family_is_tuned_over_as_many_settings_its_own_grid() -> None:
    """decoding=families against the grids that the samplers' files declare."""
    labels = [each.label for each in build_decoders(specs_of("families"), 1)]
    assert len(set(labels)) == len(labels)
    found = families(labels)
    kinds = {name: kind for name, kind in registered(Decoder).items() if kind.grid}
    (budget,) = {len(kind.grid) for kind in kinds.values()}
    alone = {name: curves for name, curves in found.items() if len(name.split()) == 1}
    for name, kind in kinds.items():
        (curve,) = alone.pop(name)
        assert [value for value, _ in curve] == sorted(kind.grid), name
    assert not alone, "a family without a grid of its own"
    chains = {name: sum(map(len, curves)) for name, curves in found.items() if " " in name}
    assert set(chains.values()) == {2 * budget}


def test_families_are_told_apart_by_colour_or_marker():
    labels = [method.label for method in build_decoders(all_specs(), 1)]
    for one, other in combinations(labels, 2):
        if label_names(one) != label_names(other):
            assert (look(one).marker, look(one).text) != (look(other).marker, look(other).text)
            assert look(one).marker != look(other).marker or far(look(one).text, look(other).text)


def far(one: str, other: str) -> bool:
    """Colours at least 60 of 255 apart in sRGB."""
    first, second = ([int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in (one, other))
    return sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) >= 60**2
