"""The page: what the template is given, and the environment that escapes it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader

from nextchar.metrics.groups import groups
from nextchar.plots import look, marker_outline
from nextchar.report.families import family_tables
from nextchar.report.pictures import figures
from nextchar.report.samples import LEGEND, chosen
from nextchar.report.seeds import seeds_note, validation_loss
from nextchar.report.standing import standings
from nextchar.report.summary import summary
from nextchar.report.table import compare
from nextchar.results import HUMAN, Run

MANY = 6
"""More samplers than this in a cell of the standings are counted there, and named on a click."""


def render(run: Run, plots: Mapping[str, Path]) -> str:
    """The whole page as text."""
    # Manifests of other versions may lack keys: a missing one is left out, not an error.
    environment = Environment(
        loader=PackageLoader("nextchar.report", "."),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"swatch": _swatch, "HUMAN": HUMAN, "MANY": MANY}
    environment.tests["nested"] = lambda value: isinstance(value, Mapping)
    environment.tests["listed"] = lambda value: isinstance(value, list | tuple)
    folder = resources.files("nextchar.report")
    return environment.get_template("page.html.jinja").render(
        name=run.config.get("name", run.folder.name),
        config=run.config,
        manifest=run.manifest,
        notices=_notices(run),
        summary=summary(run),
        seeds_note=seeds_note(run),
        loss=validation_loss(run) if run.seeds else None,
        tables={name: compare(rows) for name, rows in groups(run.metrics).items()},
        standings=standings(run.metrics, run.differences),
        families=family_tables(run.families),
        figures=figures(run, plots),
        samples=chosen(run.samples),
        legend=LEGEND,
        command=_command(run),
        css=folder.joinpath("page.css").read_text(encoding="utf-8"),
        script=folder.joinpath("page.js").read_text(encoding="utf-8"),
    )


def _notices(run: Run) -> list[str]:
    """What the reader must know before any figure: another corpus first, then the warnings."""
    substituted = run.manifest.get("corpus", {}).get("substituted")
    return [*([substituted] if substituted else []), *run.manifest.get("warnings", [])]


def _command(run: Run) -> str:
    """The command of the manifest if it has one, else the run's own config given to the runner."""
    stored = run.manifest.get("command")
    if stored:
        return str(stored)
    outputs = run.config.get("paths", {}).get("outputs", "outputs")
    where = outputs if Path(outputs).is_absolute() else f"$PWD/{outputs}"
    folder = f'"{where}/runs/{run.folder.name}"'
    return f"python experiments/run.py --config-path {folder} --config-name config"


def _swatch(label: str) -> dict[str, Any]:
    """Colour and outline of a sampler's marker, as SVG needs them."""
    shape = look(label)
    points = " ".join(f"{x:g},{y:g}" for x, y in marker_outline(shape.marker))
    return {"color": shape.color, "points": points, "round": shape.marker == "o"}
