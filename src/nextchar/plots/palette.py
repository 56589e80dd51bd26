"""How a sampler looks: its label alone decides its colour and marker, in every figure and run.

A family (the names in the label, in their order) has a hue and a marker; the parameter sets how
dark the hue is, the more of the model's distribution is left, the darker; and how a curve is
dashed, so that `top_k=5` and `top_k=10` differ by more than shade. Hues are spread in OKLCH
(Ottosson, 2020, https://bottosson.github.io/posts/oklab/), where equal lightness looks equally
light. Markers differ too, so that no two families are distinguished by red and green alone.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from matplotlib.markers import MarkerStyle

from nextchar.plots.style import INK
from nextchar.results import HUMAN
from nextchar.results.labels import label_names, label_parts


@dataclass(frozen=True)
class Look:
    """Colour as #rrggbb, the same hue for small text, a matplotlib marker and line style."""

    color: str
    text: str
    marker: str
    dash: str | tuple[int, tuple[float, ...]] = "-"

    @property
    def line(self) -> dict[str, Any]:
        """Colour and marker as arguments of `plot` and `errorbar`."""
        return {"color": self.color, "marker": self.marker}

    @property
    def curve(self) -> dict[str, Any]:
        """The same and the line style, where curves of one family cross each other."""
        return self.line | {"linestyle": self.dash}


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
_DASHES: Sequence[str | tuple[int, tuple[float, ...]]] = (
    "-",
    (0, (5, 1.6)),
    (0, (1.2, 1.4)),
    (0, (6, 1.5, 1.2, 1.5)),
)
_OTHER_MARKERS = ("P", "d", "h", "p", "H", "8", "<", ">", "^", "v")


@cache
def look(label: str) -> Look:
    """The colour and marker of a sampler, the same wherever it appears."""
    if label == HUMAN:
        return Look(INK, INK, "*")
    names = label_names(label)
    if names in _FAMILIES:
        hue, chroma, marker = _FAMILIES[names]
    else:
        # Not hash(): that differs between processes.
        digest = zlib.crc32(" ".join(names).encode())
        hue, chroma = float(digest % 360), 0.13
        marker = _OTHER_MARKERS[digest // 360 % len(_OTHER_MARKERS)]
    values = [_openness(name, value) for name, value in label_parts(label) if value]
    openness = sum(values) / len(values) if values else 0.5
    # In twelfths neighbours of the usual grids differ.
    dash = _DASHES[int(12 * openness + 0.25) % len(_DASHES)] if values else "-"
    color, text = _oklch(0.76 - 0.30 * openness, chroma, hue), _oklch(0.52, chroma, hue)
    return Look(color, text, marker, dash)


def _openness(name: str, text: str) -> float:
    """From 0 (one character left) to 1 (the whole distribution), for a parameter as written."""
    try:
        value = float(text.partition(",")[0])
    except ValueError:
        return zlib.crc32(text.encode()) % 101 / 100
    if not math.isfinite(value) or value <= 0:
        return 1.0 if value > 0 else 0.0
    if name == "temperature":
        share = (value - 0.3) / 1.0
    elif name == "top_k":
        share = math.log2(value) / 6
    elif name in ("top_p", "typical"):
        share = -math.log10(max(1 - value, 1e-3)) / 2
    elif value < 1:  # a threshold: the smaller, the more passes
        share = -math.log10(value) / 4
    else:
        share = value / (1 + value)
    return min(max(share, 0.0), 1.0)


_LMS = np.array(
    [
        [1, 0.3963377774, 0.2158037573],
        [1, -0.1055613458, -0.0638541728],
        [1, -0.0894841775, -1.2914855480],
    ]
)
_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
"""OKLAB to the cube roots of cone responses, and cone responses to linear sRGB."""


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    """An sRGB colour as #rrggbb; chroma is lowered until the colour exists."""
    turn = np.array([math.cos(math.radians(hue)), math.sin(math.radians(hue))])
    while True:
        linear = _RGB @ (_LMS @ (lightness, *(chroma * turn))) ** 3
        if chroma <= 0 or ((linear >= -1e-4) & (linear <= 1 + 1e-4)).all():
            linear = linear.clip(0, 1)
            curve = 1.055 * linear ** (1 / 2.4) - 0.055
            gamma = np.where(linear <= 0.0031308, 12.92 * linear, curve)
            return "#" + "".join(f"{round(255 * value):02x}" for value in gamma.tolist())
        chroma -= 0.002


@cache
def marker_outline(marker: str) -> Sequence[tuple[float, float]]:
    """The marker as a polygon in a box from -1 to 1, y down as in SVG: for legends in HTML."""
    shape = MarkerStyle(marker)
    outline = shape.get_path().transformed(shape.get_transform()).to_polygons()[0]
    polygon = np.asarray(outline, dtype=np.float64)
    polygon *= (1, -1) / np.abs(polygon).max()
    return tuple((round(float(x), 3) + 0.0, round(float(y), 3) + 0.0) for x, y in polygon)
