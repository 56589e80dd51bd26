"""The whole family: one config runs it, each has its own label and look."""

from __future__ import annotations

from importlib.resources import files
from itertools import combinations

from omegaconf import OmegaConf

from nextchar.decoding.registry import build_decoders
from nextchar.plots.palette import look
from nextchar.results.labels import label_names
from nextchar.samplers import Decoder, registered
from nextchar.samplers.external import TARGET


def all_specs() -> list[object]:
    text = files("nextchar.conf").joinpath("decoding/all.yaml").read_text(encoding="utf-8")
    plain = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(plain, dict)
    return plain["samplers"]


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
