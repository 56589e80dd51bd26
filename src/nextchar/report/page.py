"""The page of a run: what its template is given, and the environment that escapes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader
from markupsafe import Markup, escape

from nextchar.plots import Drawn, look
from nextchar.plots.palette import marker_outline
from nextchar.report.families import family_tables
from nextchar.report.figures import dark_rules, figure_markup
from nextchar.report.links import links
from nextchar.report.play.contents import contents, contents_beside
from nextchar.report.samples import LEGEND, chosen
from nextchar.report.standing import standings
from nextchar.report.summary import seeds_note, summary, validation_loss
from nextchar.report.table import compare, headline_table
from nextchar.results import HUMAN, PLAY, REPORT, Run
from nextchar.runtime import files

MANY = 6
"""More samplers than this in a cell of the standings are counted there, and named on a click."""

MANY_ROWS = 40
"""A table of more rows than this scrolls in itself, below its heading."""

SMOKE = "A smoke run: everything in small, to see that it works. Its figures mean nothing."


def write_report(run: Run, drawn: Drawn) -> Path:
    """Write `<run>/report.html` and return its path; `drawn` is what `draw_all` returned."""
    substituted = run.manifest.get("corpus", {}).get("substituted")
    smoke = SMOKE if "experiment=smoke" in run.manifest.get("command", "") else None
    stood = standings(run.shown, run.differences)
    samples = chosen(run.samples)
    playable = contents(run, samples)
    name = run.config.get("name", run.folder.name)
    if playable and playable["beside"]:
        held = contents_beside(run, playable)
        beside = "play/play.html.jinja"
        write_page(run.folder, beside, Drawn(), [], file=PLAY, name=name, play=held, legend=LEGEND)
    return write_page(
        run.folder,
        "page.html.jinja",
        drawn,
        [*filter(None, [smoke, substituted]), *run.manifest.get("warnings", [])],
        name=name,
        config=run.config,
        manifest=run.manifest,
        info=run.info,
        reference=run.reference,
        subject=_subject(run),
        files=links(run.folder),
        headlines=headline_table(run),
        summary=summary(run, stood),
        seeds_note=seeds_note(run),
        loss=validation_loss(run) if run.seeds else None,
        tables={
            group: compare(rows, run.definitions, run.differences, run.reference)
            for group, rows in run.by_group().items()
        },
        standings=[each for each in stood if each.pairs],
        families=family_tables(run.families),
        samples=samples,
        play=playable,
        legend=LEGEND,
    )


def served_page(run: Run) -> str | None:
    """The run's page, marked as one behind which Python's engine is; None where nothing can be
    played with: without texts, or in a page of an older version."""
    page = (run.folder / REPORT).read_text(encoding="utf-8")
    plain, marked = '<html lang="en">', '<html lang="en" data-engine="python">'
    return page.replace(plain, marked, 1) if 'data-play="served"' in page else None


def _subject(run: Run) -> str:
    """What the page's title says beside its name: the seeds and the text."""
    seeds = run.seeds or [run.config["seed"]] if "seed" in run.config else run.seeds
    words = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}" if seeds else ""
    parts = [words, run.manifest.get("corpus", {}).get("name", "")]
    return "".join(f" · {part}" for part in parts if part)


def write_page(
    folder: Path,
    template: str,
    drawn: Drawn,
    notices: Sequence[str],
    *,
    file: str = REPORT,
    **values: Any,
) -> Path:
    """Write a page to `folder`, whose figures stand in it as data, and return its path."""
    path = folder / file
    files.write_text(path, _rendered(template, drawn, notices, **values))
    return path


def _rendered(template: str, drawn: Drawn, notices: Sequence[str], **values: Any) -> str:
    environment = Environment(
        loader=PackageLoader("nextchar.report", "."),
        autoescape=True,
        undefined=ChainableUndefined,  # a manifest of another version may lack keys
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "allow_nan": False}
    environment.globals |= {"swatch": _swatch, "breakable": _breakable}
    environment.globals |= {"HUMAN": HUMAN, "MANY": MANY, "MANY_ROWS": MANY_ROWS}
    environment.globals |= {"figure_markup": figure_markup, "dark_rules": dark_rules}
    values |= {"plots": drawn.plots, "notices": [*notices, *drawn.warnings]}
    return environment.get_template(template).render(values)


def _breakable(name: str) -> Markup:
    """A long name that a narrow column breaks where a reader would."""
    return Markup(re.sub(r"(?<=[_=,])|(?<=\.)(?=[A-Za-z])", "<wbr>", str(escape(name))))


def _swatch(label: str) -> dict[str, Any]:
    """Colour and outline of a sampler's marker, as SVG needs them."""
    shape = look(label)
    points = " ".join(f"{x:g},{y:g}" for x, y in marker_outline(shape.marker))
    return {"color": shape.color, "points": points, "round": shape.marker == "o"}
