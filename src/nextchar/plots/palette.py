"""How a sampler looks: colour and marker follow from its label alone, in every figure and run.

A family (the keys of the label, in their order) has a hue and a marker; the parameter sets how dark
the hue is, the darker the more of the model's distribution is left. Hues are spread in OKLCH
(Ottosson, 2020, https://bottosson.github.io/posts/oklab/) so that equal parameters look equally
dark, and no pair of families relies on red against green alone: markers differ too.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.markers import MarkerStyle

from nextchar.plots.style import INK
from nextchar.results import HUMAN


@dataclass(frozen=True)
class Look:
    """Colour as #rrggbb, the same hue for small text, and a matplotlib marker."""

    color: str
    text: str
    marker: str


_HUMAN = Look(INK, INK, "*")

# Hue in degrees, chroma, marker. Neighbours in a legend are far apart in hue, and so are families
# that have to share a marker.
_FAMILIES: dict[tuple[str, ...], tuple[float, float, str]] = {
    ("greedy",): (75, 0.05, "X"),
    ("temperature",): (50, 0.15, "o"),
    ("top_k",): (168, 0.11, "s"),
    ("top_p",): (255, 0.15, "D"),
    ("min_p",): (215, 0.10, "v"),
    ("typical",): (350, 0.15, "^"),
    ("eta",): (90, 0.13, "p"),
    ("epsilon",): (130, 0.13, "h"),
    ("top_n_sigma",): (20, 0.16, "<"),
    ("top_h",): (290, 0.14, "H"),
    ("xtc",): (110, 0.13, "8"),
    ("dynamic_temperature",): (230, 0.11, "o"),
    ("mirostat",): (320, 0.15, ">"),
    ("repetition_penalty",): (200, 0.10, "<"),
    ("frequency_penalty",): (140, 0.13, "^"),
    ("presence_penalty",): (35, 0.14, "v"),
    ("no_repeat_ngram",): (345, 0.15, "s"),
    ("dry",): (75, 0.12, "D"),
    ("beam",): (270, 0.14, "p"),
    ("stochastic_beam",): (310, 0.15, "h"),
    ("contrastive",): (150, 0.13, ">"),
    ("best_of",): (10, 0.15, "8"),
    ("temperature", "best_of"): (10, 0.15, "8"),
    ("speculative",): (190, 0.11, "X"),
    ("temperature", "top_p"): (300, 0.15, "P"),
    ("top_p", "temperature"): (330, 0.15, "d"),
}
_OTHER_MARKERS = ("P", "d", "h", "p", "H", "8", "<", ">", "^", "v")


def parts(label: str) -> list[tuple[str, str]]:
    """The label's mapping: `temperature=0.7 top_p=0.95` is two pairs, `greedy` has no value."""
    split = (part.partition("=") for part in label.split())
    return [(key, value) for key, _, value in split]


def family(label: str) -> tuple[str, ...]:
    """The keys of the label, in the order in which they are applied."""
    return tuple(key for key, _ in parts(label))


@cache
def look(label: str) -> Look:
    """The colour and marker of a sampler, the same wherever it appears."""
    if label == HUMAN:
        return _HUMAN
    names = family(label)
    if names in _FAMILIES:
        hue, chroma, marker = _FAMILIES[names]
    else:
        # Not hash(): that differs between processes.
        digest = zlib.crc32(" ".join(names).encode())
        hue, chroma = float(digest % 360), 0.13
        marker = _OTHER_MARKERS[digest // 360 % len(_OTHER_MARKERS)]
    values = [_openness(key, value) for key, value in parts(label) if value]
    openness = sum(values) / len(values) if values else 0.5
    return Look(_oklch(0.76 - 0.30 * openness, chroma, hue), _oklch(0.52, chroma, hue), marker)


def _openness(key: str, text: str) -> float:
    """From 0 (one character left) to 1 (the whole distribution), for a parameter as written."""
    try:
        value = float(text.partition(",")[0])
    except ValueError:
        return zlib.crc32(text.encode()) % 101 / 100
    if not math.isfinite(value) or value <= 0:
        return 1.0 if value > 0 else 0.0
    if key == "temperature":
        share = (value - 0.3) / 1.0
    elif key == "top_k":
        share = math.log2(value) / 6
    elif key in ("top_p", "typical"):
        share = -math.log10(max(1 - value, 1e-3)) / 2
    elif value < 1:  # a threshold: the smaller, the more passes
        share = -math.log10(value) / 4
    else:
        share = value / (1 + value)
    return min(max(share, 0.0), 1.0)


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    """An sRGB colour; chroma is lowered until the colour exists."""
    while True:
        a, b = (chroma * turn(math.radians(hue)) for turn in (math.cos, math.sin))
        long, medium, short = (
            (lightness + i * a + j * b) ** 3
            for i, j in (
                (0.3963377774, 0.2158037573),
                (-0.1055613458, -0.0638541728),
                (-0.0894841775, -1.2914855480),
            )
        )
        linear = (
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        )
        if chroma <= 0 or all(-1e-4 <= value <= 1 + 1e-4 for value in linear):
            return "#" + "".join(f"{round(255 * _gamma(value)):02x}" for value in linear)
        chroma -= 0.002


def _gamma(value: float) -> float:
    value = min(max(value, 0.0), 1.0)
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


@cache
def marker_outline(marker: str) -> Sequence[tuple[float, float]]:
    """The marker as a polygon in a box from -1 to 1, y down as in SVG: for legends in HTML."""
    shape = MarkerStyle(marker)
    outline = shape.get_path().transformed(shape.get_transform()).to_polygons()[0]
    polygon = np.asarray(outline, dtype=np.float64)
    polygon *= (1, -1) / np.abs(polygon).max()
    return tuple((round(float(x), 3) + 0.0, round(float(y), 3) + 0.0) for x, y in polygon)
