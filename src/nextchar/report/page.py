"""The page of a run: what its template is given, and the environment that escapes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader

from nextchar.plots import Drawn, look
from nextchar.plots.palette import marker_outline
from nextchar.report.families import family_tables
from nextchar.report.pictures import data_uri
from nextchar.report.samples import LEGEND, chosen
from nextchar.report.standing import standings
from nextchar.report.summary import seeds_note, summary, validation_loss
from nextchar.report.table import compare
from nextchar.results import HUMAN, REPORT, Run
from nextchar.runtime import files

MANY = 6
"""More samplers than this in a cell of the standings are counted there, and named on a click."""


def write_report(run: Run, drawn: Drawn) -> Path:
    """Write `<run>/report.html` and return its path; `drawn` is what `draw_all` returned."""
    path = run.folder / REPORT
    files.write_text(path, _render_run(run, drawn))
    return path


def render(template: str, drawn: Drawn, **values: Any) -> str:
    """A page as text; its figures stand in it as data."""
    environment = Environment(
        loader=PackageLoader("nextchar.report", "."),
        autoescape=True,
        undefined=ChainableUndefined,  # a manifest of another version may lack keys
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"swatch": _swatch, "data_uri": data_uri, "HUMAN": HUMAN, "MANY": MANY}
    environment.tests["nested"] = lambda value: isinstance(value, Mapping)
    environment.tests["listed"] = lambda value: isinstance(value, list | tuple)
    return environment.get_template(template).render(plots=drawn.plots, **values)


def _render_run(run: Run, drawn: Drawn) -> str:
    substituted = run.manifest.get("corpus", {}).get("substituted")
    stood = standings(run.metrics, run.differences)
    return render(
        "page.html.jinja",
        drawn,
        name=run.config.get("name", run.folder.name),
        config=run.config,
        manifest=run.manifest,
        notices=[
            *filter(None, [substituted]),
            *run.manifest.get("warnings", []),
            *drawn.warnings,
        ],
        info=run.info,
        summary=summary(run, stood),
        seeds_note=seeds_note(run),
        loss=validation_loss(run) if run.seeds else None,
        tables={group: compare(rows, run.definitions) for group, rows in run.by_group().items()},
        standings=[each for each in stood if each.pairs],
        families=family_tables(run.families),
        samples=chosen(run.samples),
        legend=LEGEND,
        command=_command(run),
    )


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
