"""Plots inside a page, as data."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from nextchar.plots.style import FAINT, INK, PAPER, SOFT

_LARGEST_SVG = 700_000
"""Bytes from which on the PNG is embedded instead."""

_DARK = {INK: "#e9e7e1", SOFT: "#9aa0ab", FAINT: "#31353d", PAPER: "#1b1d22"}
"""Neutral colours of the figures on dark paper; PAPER must equal --card of page.css."""


def data_uri(png: Path) -> str:
    """The SVG beside the PNG, or the PNG where there is none or it is too large, as a data URI."""
    svg = png.with_suffix(".svg")
    if svg.exists() and svg.stat().st_size <= _LARGEST_SVG:
        text = _adapting(svg.read_text(encoding="utf-8"))
        return "data:image/svg+xml;base64," + b64encode(text.encode()).decode()
    return "data:image/png;base64," + b64encode(png.read_bytes()).decode()


def _adapting(svg: str) -> str:
    """The SVG with a style that swaps dark and light where the reader prefers dark pages."""
    rules = "".join(
        f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
        for light, dark in _DARK.items()
        for kind in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    return svg.replace("</svg>", f"{style}</svg>")
