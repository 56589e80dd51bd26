"""Figures within a page: an SVG as a part of the page, or a PNG as data."""

from __future__ import annotations

import re
from base64 import b64encode
from html import escape

from markupsafe import Markup

from nextchar.plots import Plot
from nextchar.plots.style import FAINT, INK, PAPER, SOFT

_LARGEST_SVG = 700_000
"""Bytes from which on the PNG is embedded instead."""

_DARK = {INK: "#e9e7e1", SOFT: "#9aa0ab", FAINT: "#31353d", PAPER: "#1b1d22"}
"""Neutral colours of the figures on dark paper; PAPER must equal --card of page.css."""


def figure_markup(plot: Plot) -> Markup:
    """The SVG beside the PNG, or the PNG where there is none or it is too large."""
    svg = plot.png.with_suffix(".svg")
    if not svg.exists() or svg.stat().st_size > _LARGEST_SVG:
        data = b64encode(plot.png.read_bytes()).decode()
        return Markup('<img src="data:image/png;base64,{}" alt="{}">').format(data, plot.alt)
    return Markup(_within_page(svg.read_text(encoding="utf-8"), plot.name, plot.alt))


def dark_rules() -> Markup:
    """The style that swaps dark and light in the figures where the reader prefers dark pages."""
    rules = "".join(
        f'figure svg [style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
        for light, dark in _DARK.items()
        for kind in ("fill", "stroke")
    )
    return Markup(f"@media screen and (prefers-color-scheme: dark){{{rules}}}")


def _within_page(svg: str, name: str, alt: str) -> str:
    """The SVG as an element of a page: ids that are used begin with the figure's name, others are
    gone, and so are comments and the style, which would be the whole page's."""
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.S)
    head, _, body = svg[svg.index("<svg") :].partition(">")
    box = re.search(r'viewBox="[^"]*"', head)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', body))

    def own_id(found: re.Match[str]) -> str:
        return f' id="{name}-{found[1]}"' if found[1] in used else ""

    body = re.sub(r' id="([^"]*)"', own_id, body)
    body = re.sub(r'(?:xlink:)?href="#', f'href="#{name}-', body)
    body = body.replace("url(#", f"url(#{name}-")
    body = re.sub(r"\n\s*", "\n", body)
    size = box[0] if box else ""
    return f'<svg {size} role="img" aria-label="{escape(alt)}" tabindex="0">{body.strip()}'
