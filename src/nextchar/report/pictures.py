"""Plots inside the page: SVG (or PNG) as data, with words for those who don't see it."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nextchar.plots.style import FAINT, INK, PAPER, SOFT
from nextchar.report.seeds import validation_loss
from nextchar.results import HUMAN, Run

_LARGEST_SVG = 700_000
"""Bytes from which on the PNG is embedded instead."""

_DARK = {INK: "#e9e7e1", SOFT: "#9aa0ab", FAINT: "#31353d", PAPER: "#1b1d22"}
"""Neutral colours of the figures on dark paper; PAPER must equal --card of page.css."""


@dataclass(frozen=True)
class Picture:
    """A plot as a data URI, its caption, and its text alternative."""

    name: str
    uri: str
    caption: str
    alt: str


def figures(run: Run, plots: Mapping[str, Path]) -> list[Picture]:
    """The plots in the order given."""
    pictures = []
    for name, png in plots.items():
        caption, alt = _words(run, name)
        pictures.append(Picture(name, data_uri(png), caption, alt))
    return pictures


def data_uri(png: Path) -> str:
    """The SVG beside the PNG, or the PNG where that is too large, as a data URI."""
    svg = png.with_suffix(".svg")
    if svg.exists() and svg.stat().st_size <= _LARGEST_SVG:
        text = _adapting(svg.read_text(encoding="utf-8"))
        return "data:image/svg+xml;base64," + b64encode(text.encode()).decode()
    return "data:image/png;base64," + b64encode(png.read_bytes()).decode()


def _adapting(svg: str) -> str:
    """The SVG with a style that turns ink and paper round where the reader prefers dark pages."""
    rules = "".join(
        f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
        for light, dark in _DARK.items()
        for kind in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    return svg.replace("</svg>", f"{style}</svg>")


def _words(run: Run, name: str) -> tuple[str, str]:
    """Caption and text alternative; a plot that is not known goes by its name."""
    if name == "quality_diversity":
        return (
            "Each sampler by how surprising its text is to the model and how varied its words "
            "are. Human text is the star, its 95% intervals the bands; lines join samplers that "
            "differ in one parameter only.",
            f"Bits per character and distinct-1: {_places(run)}.",
        )
    if name == "truncation":
        return (_CAPTIONS[name][0], f"{_CAPTIONS[name][1]} {_cuts(run)}")
    if name == "loss_curves":
        weights = run.manifest.get("model", {}).get("checkpoint", "last")
        caption = _CAPTIONS[name][0].format(weights=weights)
        if run.seeds:
            caption = _CAPTIONS["seed_curves"][0].format(weights=weights)
            return (caption, f"{_CAPTIONS['seed_curves'][1]}; at the end {validation_loss(run)}.")
        return (caption, f"{_CAPTIONS[name][1]}{_best(run)}.")
    if name.startswith("metrics_"):
        group = name.removeprefix("metrics_").replace("_", " ")
        return (
            f"Metrics of the group “{group}” with their 95% intervals; human text, where it has "
            "them, is the dark line.",
            f"Dot plots of the metrics of {group}, a row a sampler.",
        )
    plain = name.replace("_", " ")
    return _CAPTIONS.get(name, (plain, plain))


_CAPTIONS = {
    "metrics": (
        "Every metric with its 95% interval, the samplers in the order of the table. The dark "
        "line is human text, the band around it its interval.",
        "Dot plots of the metrics in the table above, a row a sampler.",
    ),
    "kept_by_entropy": (
        "How many characters each sampler leaves in play where the model is sure, and where it is "
        "not.",
        "Mean number of characters kept, by tenth of the held-out positions, a line a sampler.",
    ),
    "truncation": (
        "The grammar that wrote this corpus is known, so a sampler can be held against the truth: "
        "the mass it leaves on characters that can't come, and the true mass it cuts off. Each "
        "curve follows a family along its parameter; no rule that cuts in the model's order can "
        "go below the dashed line.",
        "Curves of impossible against lost mass.",
    ),
    "possible": (
        "Share of the texts that the grammar could still have written, as they grow longer. One "
        "wrong letter ends a text; human text never goes wrong.",
        "Survival curves, a line a sampler.",
    ),
    "loss_curves": (
        "Loss of the model while it was trained. The samplers all use its {weights} weights.",
        "Training and validation loss by step",
    ),
    "seed_curves": (
        "Losses of the models while they were trained, a line a seed. The samplers all use their "
        "{weights} weights.",
        "Training and validation loss by step, a line a seed",
    ),
}
"""Caption and text alternative, by picture."""


def _places(run: Run) -> str:
    places = []
    for label in run.samplers:
        x, y = run.value(label, "bits_per_character"), run.value(label, "distinct_1")
        if x and y:
            places.append(
                f"{'human text' if label == HUMAN else label} {x.value:.2f}, {y.value:.2f}"
            )
    return "; ".join(places)


def _cuts(run: Run) -> str:
    return "; ".join(
        f"{row.family} {row.parameter:g}: impossible {row.impossible:.2%}, lost {row.lost:.2%}"
        for row in run.truncation
        if row.family != "oracle"
    )


def _best(run: Run) -> str:
    known = [
        (row.val_loss, row.step)
        for row in run.training
        if row.val_loss is not None and math.isfinite(row.val_loss)
    ]
    if not known:
        return ""
    loss, step = min(known)
    return f"; best validation loss {loss:.3f} nats a character at step {step:,}"
