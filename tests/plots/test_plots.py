"""Plots: the same bytes for the same data, one look a sampler, labels that do not collide."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import example_run as invented
import numpy as np
import pytest
from example_run import MANY, SAMPLERS, example_run

from nextchar.plots import draw_all, legible, look, new_figure
from nextchar.plots.intervals import metric_intervals
from nextchar.plots.labels import Tag, place_labels
from nextchar.plots.loss import loss_curves
from nextchar.plots.palette import marker_outline
from nextchar.plots.quality_diversity import quality_diversity
from nextchar.plots.style import INK, figure_of, style
from nextchar.results import HUMAN, Metric, Run, TrainingRecord, info_of


def drawn(run: Run, folder: Path) -> dict[str, Path]:
    """The figures of a run, which must all succeed."""
    found = draw_all(run, folder)
    assert found.warnings == []
    return {plot.name: plot.png for plot in found.plots}


def test_the_same_run_is_drawn_to_the_same_bytes(tmp_path: Path) -> None:
    run = example_run(tmp_path, SAMPLERS[:3])
    first, second = drawn(run, tmp_path / "a"), drawn(run, tmp_path / "b")
    assert list(first) == ["quality_diversity", "metrics", "loss_curves"]
    for name, png in first.items():
        assert png.read_bytes() == second[name].read_bytes()
        assert png.read_bytes().startswith(b"\x89PNG")
        svg = png.with_suffix(".svg").read_bytes()
        assert svg == second[name].with_suffix(".svg").read_bytes()
        assert b"<dc:date>" not in svg
        tall = f"{name}_narrow.svg"
        assert (tmp_path / "a" / tall).read_bytes() == (tmp_path / "b" / tall).read_bytes()
    assert len(list((tmp_path / "a").iterdir())) == 9


def test_a_label_has_one_look_in_every_process() -> None:
    labels = [*MANY, HUMAN, "unheard_of=3", "odd=word other"]
    here = [(look(label).color, look(label).marker) for label in labels]
    program = "from nextchar.plots import look\n"
    program += f"print([(look(label).color, look(label).marker) for label in {labels}])"
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == str(here)


def test_looks_tell_samplers_apart() -> None:
    looks = [look(label) for label in MANY]
    assert len(set(looks)) == len(MANY)
    assert look(HUMAN).color == INK
    assert look("top_p=0.9 temperature=0.7").marker != look("temperature=0.7 top_p=0.9").marker
    families = {look(label).marker for label in ("greedy", "temperature=1", "top_k=5", "top_p=0.9")}
    assert len(families) == 4


def _luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_colours_are_seen_on_white_and_on_black() -> None:
    for label in MANY:
        light = _luminance(look(label).color)
        assert 1.05 / (light + 0.05) > 2, label
        assert (light + 0.05) / 0.05 > 2.5, label


def test_more_of_the_distribution_is_darker() -> None:
    for labels in (
        ["temperature=0.5", "temperature=0.7", "temperature=1"],
        ["top_k=2", "top_k=5", "top_k=50"],
        ["top_p=0.5", "top_p=0.9", "top_p=0.99"],
        ["min_p=0.2", "min_p=0.05", "min_p=0.01"],
    ):
        lights = [_luminance(look(label).color) for label in labels]
        assert lights == sorted(lights, reverse=True)


def test_outlines_fill_their_box() -> None:
    for marker in {look(label).marker for label in [*MANY, HUMAN]}:
        size = max(abs(value) for point in marker_outline(marker) for value in point)
        assert math.isclose(size, 1)


@pytest.mark.parametrize("labels", [SAMPLERS, MANY[:12]])
def test_labels_overlap_neither_each_other_nor_the_edge(
    tmp_path: Path, labels: tuple[str, ...]
) -> None:
    run = example_run(tmp_path, labels)
    with style():
        figure = new_figure(8.5, 5.6)
        ax = quality_diversity(run, figure.add_subplot())
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        boxes = [text.get_window_extent(renderer) for text in ax.texts if text.get_text() in labels]
    assert len(boxes) == len(labels)
    for a, b in itertools.combinations(boxes, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert wide <= 1 or high <= 1, "two labels overlap"
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in boxes)


def test_no_label_is_left_out_of_a_heap() -> None:
    with style():
        ax = new_figure(4, 4).add_subplot()
        texts = place_labels(ax, [Tag(f"label {i}", 0.5, 0.5) for i in range(30)])
    assert len(texts) == len(ax.texts) == 30


def test_the_plane_joins_samplers_that_differ_in_their_last_parameter(tmp_path: Path) -> None:
    run = example_run(tmp_path, ["temperature=1", "temperature=0.7", "temperature=0.7 top_p=0.9"])
    with style():
        ax = quality_diversity(run, new_figure(6, 4).add_subplot())
    expected = [run.value(label, "distinct_1") for label in ("temperature=0.7", "temperature=1")]
    assert np.asarray(ax.lines[0].get_ydata()).tolist() == [row.value for row in expected if row]


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    run = replace(example_run(tmp_path), metrics=[], training=[])
    assert drawn(run, tmp_path) == {}


def test_a_run_without_human_text_or_with_one_sampler_is_drawn(tmp_path: Path) -> None:
    alone = example_run(tmp_path, SAMPLERS[:1], human=False)
    assert set(drawn(alone, tmp_path)) == {"quality_diversity", "metrics", "loss_curves"}


def test_unknown_metrics_and_missing_figures_are_drawn(tmp_path: Path) -> None:
    rows = [
        Metric("greedy", "self_bleu", 0.5, 0.4, 0.6, 9, "ratio"),
        Metric("odd label", "self_bleu", math.inf, math.nan, math.inf, 9, "ratio"),
        Metric(HUMAN, "self_bleu", 0.3, math.nan, math.nan, 1, "ratio"),
    ]
    run = replace(example_run(tmp_path), metrics=rows, training=[])
    assert set(drawn(run, tmp_path)) == {"metrics"}
    with style():
        samplers = [label for label in run.samplers if label != HUMAN]
        info = run.info("self_bleu")
        ax = metric_intervals(rows, samplers, info, new_figure(4, 3).add_subplot())
    assert ax.get_title(loc="left") == "self_bleu"
    assert np.isfinite(ax.get_xlim()).all()
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["greedy", "odd label"]


def test_rounding_errors_are_no_differences(tmp_path: Path) -> None:
    rows = [Metric(label, "loops", -2e-17 * i, 0, 0, 9, "share") for i, label in enumerate("ab")]
    with style():
        ax = metric_intervals(
            rows, ["a", "b"], info_of({}, "loops"), new_figure(4, 3).add_subplot()
        )
        ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    assert ax.xaxis.get_offset_text().get_text() == ""
    assert "0.00" in [tick.get_text() for tick in ax.get_xticklabels()]


def test_a_run_without_intervals_is_drawn(tmp_path: Path) -> None:
    run = example_run(tmp_path, SAMPLERS[:2])
    rows = [replace(row, low=math.nan, high=math.nan) for row in run.metrics]
    assert "quality_diversity" in drawn(replace(run, metrics=rows), tmp_path)


def test_the_entropy_floor_and_the_best_step_are_drawn() -> None:
    records = [
        TrainingRecord(0, 4.0, 4.1, 1e-3, 1.0),
        TrainingRecord(10, math.inf, None, 1e-3, 1.0),
        TrainingRecord(20, 1.5, 1.6, 1e-3, 1.0),
        TrainingRecord(30, 1.4, math.nan, 1e-3, 1.0),
    ]
    with style():
        ax = loss_curves({0: records}, new_figure(6, 4).add_subplot(), entropy_rate=2.0)
    labels = ax.get_legend_handles_labels()[1]
    assert "best validation 1.600 at step 20" in labels
    assert f"entropy of the grammar, {2 * math.log(2):.3f}" in labels


def test_seeds_have_a_line_each_and_end_in_their_mean() -> None:
    def records(last: float) -> list[TrainingRecord]:
        return [
            TrainingRecord(10, 2.0, None, 0.1, 1.0),
            TrainingRecord(20, 1.5, last, 0.1, 1.0),
        ]

    trainings = {0: records(1.6), 2: records(1.8)}
    with style():
        ax = loss_curves(trainings, new_figure(6, 4).add_subplot(), entropy_rate=2.0)
    labels = ax.get_legend_handles_labels()[1]
    assert labels.count("train") == labels.count("validation") == 1
    assert f"mean ± SD 1.700 ± {0.2 / math.sqrt(2):.3f}" in labels
    assert "one line per seed: 0, 2" in [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("backend", ["module://nothing.is_called_so", "svg"])
def test_a_backend_from_outside_is_not_needed(backend: str) -> None:
    """Notebooks hand theirs to the programs that they start, which may not have it."""
    code = "import nextchar.plots, os, matplotlib as m; print(os.environ['MPLBACKEND'])"
    code += "; print(m.rcParams['backend'])" if backend == "svg" else ""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"MPLBACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(ended.stdout.split()) == {backend}


HOSTILE = ("a/b*c.", "$", "a_b^{ $x", "$ $", "\\frac", "<b>&", "日本語", "日本话", "ا", "%s{}")


def test_any_label_is_drawn_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legible, "_font_with", lambda characters: None)
    labels = [f"mine text={text}" for text in HOSTILE]
    for label in labels:
        monkeypatch.setitem(invented._SPREAD, label, 0.5)
    drawn(example_run(tmp_path, ("greedy", *labels)), tmp_path)


def test_labels_that_the_font_lacks_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legible, "_font_with", lambda characters: None)
    with style():
        ax = new_figure(3, 2).add_subplot()
        ax.set_yticks([0, 1], ["日本", "日话"])
        ax.set_title("$x$ 本", loc="left")
        ax.set_xscale("log")
        ax.set_xlim(1, 1000)
        figure = figure_of(ax)
        legible.make_legible(figure)
        figure.draw_without_rendering()
    ticks = [
        [label.get_text() for label in labels]
        for labels in (ax.get_yticklabels(), ax.get_xticklabels())
    ]
    assert ticks[0] == [r"\u65e5\u672c", r"\u65e5\u8bdd"]
    assert {"1", "10", "100", "1000"} <= set(ticks[1])
    assert ax.get_title("left") == r"$x$ \u672c"


def test_an_installed_font_that_has_a_script_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    has = {legible.OWN: frozenset("ab"), "Other": frozenset("本日")}
    monkeypatch.setattr(legible, "_characters", lambda font: has.get(font, frozenset()))
    monkeypatch.setattr(legible, "_installed", lambda: iter(["Empty", "Other"]))
    legible._font_with.cache_clear()
    ax = new_figure(3, 2).add_subplot()
    shown, lacking = ax.text(0, 0, "a日本"), ax.text(0, 0, "a日ü")
    for text in (shown, lacking):
        legible._show(text)
    legible._font_with.cache_clear()
    assert (shown.get_text(), shown.get_fontfamily()) == ("a日本", [legible.OWN, "Other"])
    assert lacking.get_text() == r"a\u65e5\xfc"
