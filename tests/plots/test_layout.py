"""No text of a figure covers another one or leaves the canvas, however many samplers there are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from example_run import MANY, SAMPLERS, example_run
from layout import collisions
from matplotlib.figure import Figure

from nextchar.plots import (
    deciles,
    families,
    intervals,
    look,
    loss,
    new_figure,
    possible,
    quality_diversity,
    truncation,
)
from nextchar.plots.legend import in_short
from nextchar.plots.outside import far_from_all
from nextchar.plots.style import narrow, style
from nextchar.results import HUMAN, FamilyFigure, Metric, Possible, Run, Truncation
from nextchar.results.labels import label_names, split_last

LONG = ("dynamic_temperature=0.8,range=0.4", "mine.TopK k=5 mine.Temperature temperature=1")
LABELS = (*MANY, *LONG)


def crowded(folder: Path) -> Run:
    """A run of 42 samplers, some of which keep the same characters, that has every figure."""
    run = example_run(folder, MANY)
    kept, lives, cuts, ranked = [], [], [], []
    for index, label in enumerate(LABELS):
        least = 65.0 if label.startswith("temperature=") else 1 + index / 2
        for tenth in range(1, 11):
            name = f"{deciles.PREFIX}{tenth}"
            kept.append(Metric(label, name, min(least * tenth, 65), 1, 65, 9, "characters"))
        for n in (1, 2, 4, 8, 16):
            share = max(1 - index // 2 * n / 80, 0.0)
            lives.append(Possible(label, n, share, share, share))
    lives += [Possible(HUMAN, n, 1.0, 1.0, 1.0) for n in (1, 2, 4, 8, 16)]
    for family in ("top_k", "top_p", "min_p", "eta", truncation.ORACLE):
        for step in range(9):
            lost, wrong = 0.6 * (step / 8) ** 3, 0.5 - 0.03 * step
            values = (*[wrong] * 3, *[lost] * 3, *[2 + lost] * 3)
            cuts.append(Truncation(family, 0.0001 * 3**step, *values))
    for index, family in enumerate(sorted({" ".join(label_names(label)) for label in LABELS})):
        value = 4.0 if index == 0 else 0.3 + index / 100
        for kind, metric, *_ in families.PANELS:
            row = (value, value - 0.1, value + 0.1) * 2
            ranked.append(FamilyFigure(kind, metric, family, "", *row, 1.0, 0.0, by_seed=""))
    return replace(
        run, metrics=[*run.metrics, *kept], possible=lives, truncation=cuts, families=ranked
    )


def one_group(run: Run) -> Run:
    """Without the metrics that have figures of their own, of all samplers."""
    first = [row for row in run.metrics if row.metric in ("bits_per_character", "loops")]
    more = [replace(row, sampler=label) for row in first[:2] for label in LONG]
    return replace(run, metrics=[*more, *first])


DRAWN: dict[str, Callable[[Run], Figure | None]] = {
    "deciles": deciles.draw,
    "possible": possible.draw,
    "possible of few": lambda run: possible.draw(replace(run, possible=run.possible[:40])),
    "truncation": truncation.draw,
    "families": families.draw,
    "loss": loss.draw,
    "metrics": lambda run: intervals.draw(one_group(run)),
    "quality of few": lambda run: quality_diversity.draw(example_run(run.folder, SAMPLERS)),
}


@pytest.mark.parametrize("form", ["wide", "narrow"])
@pytest.mark.parametrize("name", DRAWN)
def test_every_text_can_be_read(tmp_path: Path, name: str, form: str) -> None:
    with style(), narrow() if form == "narrow" else nullcontext():
        figure = DRAWN[name](crowded(tmp_path))
        assert figure is not None
        assert collisions(figure) == []


def test_a_text_over_another_one_or_beyond_the_canvas_is_found() -> None:
    with style():
        figure = new_figure(3, 2)
        for words, place in (("one", (0.5, 0.5)), ("other", (0.52, 0.5)), ("far", (0.99, 0.1))):
            figure.text(*place, words)
        found = collisions(figure)
    assert len(found) == 2
    assert "'far' leaves the canvas" in found[0]
    assert "'one' and 'other' overlap" in found[1]


def test_lines_that_coincide_share_an_entry_and_families_too(tmp_path: Path) -> None:
    with style():
        figure = deciles.draw(crowded(tmp_path))
    assert figure is not None
    legend = figure.axes[0].get_legend()
    assert legend is not None
    texts = [text.get_text().replace("\n", " ") for text in legend.get_texts()]
    assert "top_k=2, 3, 5, 10, 20, 40" in texts
    (all_kept,) = [text for text in texts if text.startswith("temperature=0.3, 0.5")]
    assert "temperature=0.7 top_p=0.8, 0.9, 0.95" in all_kept
    assert sum("temperature=0.3" in text for text in texts) == 1


def test_labels_in_short_lose_nothing() -> None:
    assert in_short(["top_k=5", "greedy", "top_k=10"]) == "top_k=5, 10; greedy"
    assert in_short(["dry=0.8,base=2", "dry=1,base=2"]) == "dry=0.8,base=2; dry=1,base=2"


def test_what_squeezes_the_others_is_far_from_all() -> None:
    near = {f"top_k={k}": 1 + k / 100 for k in range(8)}
    assert far_from_all(near) == []
    assert far_from_all(near | {"greedy": 0.0}) == ["greedy"]
    assert set(far_from_all(near | {"greedy": 0.0, "beam=4": 0.1})) == {"greedy", "beam=4"}
    assert far_from_all(near | {HUMAN: 0.0}) == []
    assert far_from_all(dict.fromkeys(near, 1.0) | {"greedy": 0.0}) == []  # nothing is squeezed
    three = {"greedy": 0.0, "beam=4": 0.1, "beam=8": 0.2}
    assert far_from_all(near | three) == []  # more than a quarter are no exception


def test_greedy_is_an_arrow_where_it_would_squeeze_the_others() -> None:
    labels = ["greedy", *(f"top_k={k}" for k in range(2, 10))]
    values = [0.1, *(0.8 + k / 100 for k in range(8))]
    rows = [
        Metric(label, "loops", value, value, value, 9, "share")
        for label, value in zip(labels, values, strict=True)
    ]
    with style():
        info = example_run(Path(), ["greedy"]).info("loops")
        ax = intervals.metric_intervals(rows, labels, info, new_figure(4, 3).add_subplot())
    assert ax.get_xlim()[0] > 0.7
    assert "0.1" in [text.get_text() for text in ax.texts]


def test_an_axis_ends_just_beyond_the_bounds_of_its_metric() -> None:
    info = replace(example_run(Path(), ["greedy"]).info("loops"), bounds=(0.0, 1.0))
    for value in (0.0, 1.0):
        rows = [Metric(label, "loops", value, value, value, 9, "share") for label in ("a", "b")]
        with style():
            ax = intervals.metric_intervals(rows, ["a", "b"], info, new_figure(4, 3).add_subplot())
        low, high = ax.get_xlim()
        assert -0.01 < low < value + 1e-9 < high + 1e-9
        assert high < 1.01


def test_rounding_errors_make_no_tick(tmp_path: Path) -> None:
    for value in (-2e-17, 1e-18):
        rows = [Metric(label, "loops", value, value, value, 9, "share") for label in MANY]
        with style():
            figure = intervals.draw(replace(example_run(tmp_path, MANY), metrics=rows))
            assert figure is not None
            figure.draw_without_rendering()
        ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        assert not any("e" in tick for tick in ticks)


def test_settings_of_one_family_differ_by_more_than_shade() -> None:
    chains: dict[str, list[tuple[float, str]]] = {}
    for label in (*SAMPLERS, *(f"top_k={k}" for k in (2, 3, 5, 10, 20, 40))):
        if split := split_last(label):
            chains.setdefault(split[0], []).append((split[1], label))
    for chain in chains.values():
        ordered = [label for _, label in sorted(set(chain))]
        for one, other in pairwise(ordered):
            assert look(one).dash != look(other).dash, (one, other)


def test_places_of_nested_figures_are_rounded(tmp_path: Path) -> None:
    """Their last digits differ from time to time, and with them the ids in an SVG."""
    for form in (nullcontext, narrow):
        with style(), form():
            figure = truncation.draw(crowded(tmp_path))
        assert figure is not None
        places = [part.bbox_relative.get_points() for part in figure.subfigs]
        places += [ax.get_position().get_points() for ax in figure.axes]
        assert len(places) > 4
        assert all(np.abs(place - place.round(5)).max() < 1e-12 for place in places)
