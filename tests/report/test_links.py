"""The page's list of files names all that a run leaves."""

from __future__ import annotations

import re
from pathlib import Path

from nextchar import results
from nextchar.report.links import links


def test_every_file_of_a_run_is_named(tiny_run: Path) -> None:
    left = {path.name for path in tiny_run.iterdir()}
    page = (tiny_run / results.REPORT).read_text(encoding="utf-8")
    listed = page[page.index('<ul class="files">') :].partition("</ul>")[0]
    assert set(re.findall(r'href="([^"]+)"', listed)) == left - {results.REPORT}


def test_so_are_those_that_only_some_runs_leave(tmp_path: Path) -> None:
    some = {results.FAMILIES, results.TRUNCATION, results.POSSIBLE, results.PLAY}
    some |= {results.CANDIDATES, results.CURVE_SUMS}
    for name in some:
        (tmp_path / name).touch()
    assert {name for name, _ in links(tmp_path)} == some | {results.DONE}
