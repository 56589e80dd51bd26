"""Marks: what is drawn says whose it is, whatever a label holds."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nextchar.plots import new_figure
from nextchar.plots.marks import belongs, value_mark, value_words
from nextchar.plots.style import save_figure, style
from nextchar.results import Metric


@pytest.mark.parametrize("label", ["top_k=5", "\"'><script>&amp;--", "]] >", "日本 \\u1234"])
def test_a_label_comes_back_as_it_was(tmp_path: Path, label: str) -> None:
    with style():
        ax = new_figure(2, 2).add_subplot()
        belongs(ax.plot([0, 1], [0, 1]), [label, "other"])
        value_mark(ax, 1, 1, [label], f"{label}: 1")
        png = save_figure(ax.figure, tmp_path, "marked")  # type: ignore[arg-type]
    svg = ElementTree.parse(png.with_suffix(".svg")).getroot()
    found = [each for each in svg.iter() if "data-samplers" in each.attrib]
    assert [json.loads(each.attrib["data-samplers"]) for each in found] == [
        [label, "other"],
        [label],
    ]
    titles = [title.text for each in found for title in each if title.tag.endswith("title")]
    assert titles == [f"{label}: 1"]


def test_an_unknown_interval_is_not_told() -> None:
    row = Metric("a", "loops", 0.25, float("nan"), float("nan"), 3, "share")
    assert value_words("a", row) == "a: 0.25 share"
