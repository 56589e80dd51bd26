"""A figure drawn anew, for print: as a PDF, SVG or PNG of any width, in which text stays text."""

from __future__ import annotations

import re
from contextlib import nullcontext
from io import StringIO
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_pdf import FigureCanvasPdf, Op, PdfFile, RendererPdf
from matplotlib.figure import Figure

from nextchar.config import ConfigError
from nextchar.plots.legible import make_legible
from nextchar.plots.registry import figures_of
from nextchar.plots.style import NARROW, narrow, style
from nextchar.results import Run
from nextchar.results.sweep import Sweep
from nextchar.runtime import files

DPI = 300
"""Of a PNG at the width that is asked for."""


def redraw(subject: Run | Sweep, name: str, path: Path, form: str, width: float | None) -> None:
    """Draw the figure `name` of a run or sweep into `path`, as `form`: pdf, svg or png.

    Up to NARROW inches the narrow form is drawn, with panels and legends below each other. It is
    scaled, letters and lines too, to the `width` in inches; None leaves it as it is.
    Raises ConfigError for a figure that there is not, or that has nothing to show.
    """
    known = figures_of(subject)
    if name not in known:
        raise ConfigError(f"--figure={name}: there is no such figure; there are {', '.join(known)}")
    with style(), narrow() if width is not None and width <= NARROW else nullcontext():
        figure = known[name]()
    if figure is None:
        raise ConfigError(f"--figure={name}: {subject.folder.name} has nothing that it could show")
    make_legible(figure)
    scale = 1.0 if width is None else width / figure.get_figwidth()
    with (
        style(),
        # Text that can be searched and edited: characters in an SVG, TrueType in a PDF.
        matplotlib.rc_context({"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": name}),
    ):
        if form == "svg":
            files.write_text(path, _svg(figure, scale))
        else:
            with files.replacing(path) as temporary:
                if form == "pdf":
                    _write_pdf(figure, temporary, scale)
                else:
                    no_version = {"Software": None}
                    figure.savefig(temporary, format=form, dpi=DPI * scale, metadata=no_version)


def _svg(figure: Figure, scale: float) -> str:
    """The SVG, whose coordinates stay and whose size is scaled."""
    drawn = StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})

    def scaled(size: re.Match[str]) -> str:
        return f'{size[1]}="{float(size[2]) * scale:.6g}pt"'

    head, body, rest = drawn.getvalue().partition("viewBox")
    return re.sub(r'(width|height)="([\d.]+)pt"', scaled, head) + body + rest


def _write_pdf(figure: Figure, path: Path, scale: float) -> None:
    """As matplotlib's `print_pdf`, on a page whose coordinates are scaled."""
    FigureCanvasPdf(figure)
    figure.dpi = 72
    width, height = figure.get_size_inches()
    file = PdfFile(path, metadata={"Creator": None, "Producer": None, "CreationDate": None})
    try:
        file.newPage(scale * width, scale * height)
        file.output(scale, 0, 0, scale, 0, 0, Op.concat_matrix)
        renderer = MixedModeRenderer(
            figure, width, height, 72, RendererPdf(file, 72, height, width)
        )
        figure.draw(renderer)  # type: ignore[arg-type]  # it hands on to the PDF's own
        renderer.finalize()
        file.finalize()
    finally:
        file.close()
