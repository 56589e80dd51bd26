"""Figures within a page: an SVG as a part of the page, or a PNG as data."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import partial
from html import escape
from pathlib import Path
from zlib import crc32

from markupsafe import Markup

from nextchar.plots import Plot
from nextchar.plots.style import FAINT, INK, PAPER, SOFT

_LARGEST_SVG = 850_000
"""Bytes from which on the PNG is embedded instead."""

_DARK = {INK: "#e9e7e1", SOFT: "#9aa0ab", FAINT: "#31353d", PAPER: "#1b1d22"}
"""Neutral colours of the figures on dark paper; PAPER must equal --card of page.css."""


def figure_markup(plot: Plot) -> Markup:
    """The SVG beside the PNG, or the PNG where there is none or it is too large; and the SVG for
    narrow pages, if that is small enough."""
    svg = plot.png.with_suffix(".svg")
    tall = plot.narrow if plot.narrow and _fits(plot.narrow) else None
    form = "wide" if tall else ""
    if _fits(svg):
        shown = Markup(_within_page(svg, plot.alt, form))
    else:
        data = b64encode(plot.png.read_bytes()).decode()
        image = Markup('<img class="{}" src="data:image/png;base64,{}" alt="{}">')
        shown = image.format(form, data, plot.alt)
    if tall:
        shown += Markup(_within_page(tall, plot.alt, "narrow"))
    return shown


def _fits(svg: Path) -> bool:
    return svg.exists() and svg.stat().st_size <= _LARGEST_SVG


def dark_rules() -> Markup:
    """The style that swaps dark and light in the figures where the reader prefers dark pages."""
    rules = "".join(
        f'figure svg [style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
        for light, dark in _DARK.items()
        for kind in ("fill", "stroke")
    )
    return Markup(f"@media screen and (prefers-color-scheme: dark){{{rules}}}")


def _within_page(path: Path, alt: str, form: str) -> str:
    """The SVG as an element of a page, without what is of no use there.

    That are comments, further decimals, ids that nothing refers to, and the style, which would be
    the whole page's. Other ids become short, and no other figure's.
    """
    svg = path.read_text(encoding="utf-8")
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.S)
    head, _, body = svg[svg.index("<svg") :].partition(">")
    box = re.search(r'viewBox="[^"]*"', head)
    # What uses a marker says its colours again; here dark_rules could not change them.
    plain = partial(re.sub, r' style="[^"]*"', "")
    body = re.sub(r"<defs>.*?</defs>", lambda at: plain(at[0]), body, flags=re.S)
    used = dict.fromkeys(re.findall(r'(?:href="|url\()#([^")]+)', body))
    own = f"f{crc32(path.stem.encode()):x}"
    ids = {each: f"{own}-{index}" for index, each in enumerate(used)}
    body = re.sub(r' id="([^"]*)"', lambda at: f' id="{ids[at[1]]}"' if at[1] in ids else "", body)
    body = re.sub(r'(?:xlink:)?href="#([^"]*)"', lambda at: f'href="#{ids[at[1]]}"', body)
    body = re.sub(r"url\(#([^)]*)\)", lambda at: f"url(#{ids[at[1]]})", body)
    body = re.sub(r' (?:d|x|y)="[^"]*"', lambda at: re.sub(r"(\.\d\d)\d+", r"\1", at[0]), body)
    body = re.sub(r"\n\s*", "\n", body).strip()
    size, words = box[0] if box else "", escape(alt)
    return f'<svg class="{form}" {size} role="img" aria-label="{words}" tabindex="0">{body}'
