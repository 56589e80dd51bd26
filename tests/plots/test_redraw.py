"""A figure drawn anew: any width, text that stays text, and names that are told."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.image
import pytest
from example_run import example_run

from nextchar.config import ConfigError
from nextchar.plots.redraw import DPI, redraw
from nextchar.plots.registry import figures_of
from nextchar.plots.style import NARROW
from nextchar.results import Run

NAME = "loss_curves"
WIDTH = 3.3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return example_run(tmp_path_factory.mktemp("run"), samplers=["greedy", "top_k=5"])


def test_an_svg_has_its_text_and_width(run: Run, tmp_path: Path) -> None:
    redraw(run, NAME, tmp_path / "f.svg", "svg", WIDTH)
    redraw(run, NAME, tmp_path / "g.svg", "svg", NARROW)
    drawn, natural = (ElementTree.parse(tmp_path / name).getroot() for name in ("f.svg", "g.svg"))
    assert drawn.attrib["width"] == f"{72 * WIDTH:.6g}pt"
    assert drawn.attrib["viewBox"] == natural.attrib["viewBox"]
    wide, high = (float(natural.attrib[side][:-2]) for side in ("width", "height"))
    assert float(drawn.attrib["height"][:-2]) == pytest.approx(72 * WIDTH * high / wide, rel=1e-4)
    assert wide == pytest.approx(72 * NARROW)
    redraw(run, NAME, tmp_path / "h.svg", "svg", None)
    page = ElementTree.parse(tmp_path / "h.svg").getroot()
    assert float(page.attrib["width"][:-2]) > wide, "as on the page, and not its narrow form"
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "step" in texts


def test_a_png_has_its_width(run: Run, tmp_path: Path) -> None:
    redraw(run, NAME, tmp_path / "f.png", "png", WIDTH)
    assert matplotlib.image.imread(tmp_path / "f.png").shape[1] == pytest.approx(DPI * WIDTH, abs=1)


def test_a_pdf_has_truetype_and_its_width(run: Run, tmp_path: Path) -> None:
    redraw(run, NAME, tmp_path / "f.pdf", "pdf", WIDTH)
    redraw(run, NAME, tmp_path / "again.pdf", "pdf", WIDTH)
    content = (tmp_path / "f.pdf").read_bytes()
    assert content == (tmp_path / "again.pdf").read_bytes(), "no times in it"
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content)
    assert float(box[0]) == pytest.approx(72 * WIDTH)
    assert b"/FontFile2" in content, "TrueType, embedded"
    assert b"/Type3" not in content
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.S)
    page = next(each for each in map(_inflated, streams) if b" Tf" in each)
    assert re.search(rb"([\d.]+) 0 0 \1 0 0 cm", page), "all of the page is scaled"


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_other_names_are_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--figure=x: there is no .*there are .*loss_curves"):
        redraw(run, "x", tmp_path / "f.pdf", "pdf", None)
    with pytest.raises(ConfigError, match=r"--figure=families: .* has nothing"):
        redraw(run, "families", tmp_path / "f.pdf", "pdf", None)
    assert list(tmp_path.iterdir()) == []
    assert {NAME, "quality_diversity", "metrics"} <= set(figures_of(run))
