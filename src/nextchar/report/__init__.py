"""One HTML page that tells a run: opens from disk, loads nothing, and is the same bytes again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nextchar.results import Run
from nextchar.runtime import files

__all__ = ["write_report"]


def write_report(run: Run, plots: Mapping[str, Path]) -> Path:
    """Write `<run>/report.html` and return its path.

    `plots` is what `draw_all` returned: name to PNG; the SVG beside it is embedded if there is one.
    """
    from nextchar.report.page import (
        render,
    )  # imports matplotlib, which report.notebook does without

    path = run.folder / "report.html"
    files.write_text(path, render(run, plots))
    return path
