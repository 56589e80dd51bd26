"""The figure of families, ranked, with intervals and trainings; many samplers have no figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from example_run import SAMPLERS, example_run

from nextchar.plots import deciles, families, intervals, new_figure, possible, quality_diversity
from nextchar.results import MANY, OVERALL, FamilyFigure, Metric, Possible, Run


def figure(family: str, value: float, kind: str = "overall", metric: str = OVERALL) -> FamilyFigure:
    ends = (value - 0.1, value + 0.1)
    return FamilyFigure(
        *(kind, metric, family, "", value, *ends, value, *ends, 1.0, 0.0),
        by_seed=f"{value - 0.05} {value + 0.05}",
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    rows = [figure("top_k", 0.5), figure("temperature top_p", 0.3), figure("dry", 0.7)]
    return replace(example_run(tmp_path, SAMPLERS[:3]), families=rows)


def test_families_are_in_the_order_of_their_distance(run: Run) -> None:
    drawn = families.draw(run)
    assert drawn is not None
    first, *others = drawn.axes
    assert len(others) == 2
    assert [label.get_text() for label in first.get_yticklabels()] == [
        *("temperature top_p", "top_k", "dry")
    ]
    assert "top_k 0.50; temperature top_p 0.30; dry 0.70." in families._alt(run)


def test_a_row_has_its_interval_and_a_ring_for_each_training() -> None:
    ax = families.family_intervals(
        [figure("top_k", 0.5, "best", "loops")], ["top_p", "top_k"], new_figure(3, 2).add_subplot()
    )
    bar, mark, human = ax.get_lines()
    assert list(bar.get_xdata()) == pytest.approx([0.4, 0.6])
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (0.5, 1)
    assert human.get_xdata()[0] == 0
    (rings,) = ax.collections
    assert rings.get_offsets().tolist() == [[0.45, 1], [0.55, 1]]


def test_one_family_is_no_comparison(run: Run) -> None:
    assert families.draw(replace(run, families=run.families[:1])) is None


def test_many_samplers_have_no_figures_of_each(run: Run) -> None:
    def many(count: int) -> Run:
        labels = [f"top_k={k}" for k in range(1, count + 1)]
        names = ("bits_per_character", "distinct_1", "kept_in_decile_1")
        rows = [Metric(label, name, 1.0, 0.5, 1.5, 9, "") for name in names for label in labels]
        lives = [Possible(label, n, 0.5, 0.4, 0.6) for label in labels for n in (0, 1, 2)]
        return replace(run, metrics=rows, possible=lives)

    for module in (deciles, possible, quality_diversity):
        assert module.draw(many(3)) is not None, module.__name__
        assert module.draw(many(MANY + 1)) is None, module.__name__
    own = many(MANY + 1)
    bits = [row for row in own.metrics if row.metric == "bits_per_character"]
    assert intervals.draw(replace(own, metrics=bits)) is None
    assert intervals.draw(replace(own, metrics=bits[:3])) is not None
