"""The laws of a sweep's pictures and page: every value in its place, and nothing from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from nextchar import results
from nextchar.plots import Drawn, draw_all, new_figure
from nextchar.plots.sweep import heat_map, parameter_curve
from nextchar.report.sweep import ranking, ranking_text, write_sweep_report
from nextchar.results import HUMAN, Metric
from nextchar.results import sweep as stored
from nextchar.results import sweep_aggregate as averages
from nextchar.results.sweep import (
    FAILED,
    FINISHED,
    PENDING,
    Plan,
    PlannedJob,
    State,
    Sweep,
    SweepJob,
)


def _sweep(
    folder: Path,
    parameters: dict[str, list[str]],
    samplers: tuple[str, ...] = ("greedy",),
    **plan: object,
) -> Sweep:
    """A full grid; a job's loops are its number / 100, and its loss 1 + that."""
    rows = []
    for number, values in enumerate(product(*parameters.values())):
        value = number / 100
        metrics = [
            Metric(sampler, "loops", value, value - 0.02, value + 0.03, 9, "share")
            for sampler in samplers
        ]
        metrics.append(Metric(HUMAN, "loops", 0.05, 0.04, 0.06, 9, "share"))
        job = PlannedJob(f"run-{number}", values)
        state = State(FINISHED, seconds=1.0)
        rows.append(SweepJob(number, job, state, 1 + value, 1 + value, "m", "c", None, metrics))
    jobs = tuple(row.planned for row in rows)
    made = Plan("grid", "nextchar-run -m <a>=1", tuple(parameters), ("b=2",), jobs, **plan)  # type: ignore[arg-type]
    return Sweep(folder, made, rows)


RATES = {"training.learning_rate": ["0.01", "0.1", "1"]}
TWO = {"model.layers": ["4", "2"], "model.width": ["64", "128", "32"]}
SEEDS = {"seed": ["0", "1", "2"]}


@pytest.mark.parametrize(
    ("parameters", "plots"),
    [
        (RATES, {"curves"}),
        (SEEDS, {"curves"}),
        (RATES | SEEDS, {"curves"}),
        (TWO, {"heat_maps"}),
        (TWO | SEEDS, {"heat_maps"}),
        (TWO | RATES, {"parallel_coordinates"}),
    ],
)
def test_what_is_drawn_is_what_varies(
    tmp_path: Path, parameters: dict[str, list[str]], plots: set[str]
) -> None:
    drawn = draw_all(_sweep(tmp_path, parameters, ("greedy", "top_k=5")), tmp_path)
    assert drawn.warnings == []
    assert {plot.name for plot in drawn.plots} == plots
    assert all(plot.png.stat().st_size > 2000 for plot in drawn.plots)


def test_a_search_has_its_four_pictures(tmp_path: Path) -> None:
    sweep = _sweep(
        tmp_path,
        RATES | {"seed": ["3", "4"]},
        objectives={"validation_loss": "minimize", "loops": "human"},
        importance={"training.learning_rate": 0.9, "seed": 0.1},
    )
    drawn = draw_all(sweep, tmp_path)
    names = [plot.name for plot in drawn.plots]
    assert names == ["history", "pareto_front", "parallel_coordinates", "importance"]
    assert drawn.warnings == []


def test_a_sweep_with_nothing_done_has_no_picture_but_a_page(tmp_path: Path) -> None:
    whole = _sweep(tmp_path, RATES)
    rows = [SweepJob(row.job, row.planned, State(PENDING)) for row in whole.rows]
    sweep = replace(whole, rows=rows)
    assert draw_all(sweep, tmp_path) == Drawn([], [])
    page = write_sweep_report(sweep, Drawn(), []).read_text()
    assert "3 jobs: 3 pending" in page


def test_the_cells_of_a_heat_map_are_in_their_places(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, TWO | SEEDS)
    ax = heat_map(averages.settings(sweep), "loops", "", new_figure(4, 3).add_subplot())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["2", "4"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["32", "64", "128"]
    # layers=4 comes first in the grid, and three seeds (numbers) make a mean: 0, 1, 2 -> 0.01
    grid = np.asarray(ax.images[0].get_array())
    assert grid == pytest.approx(np.array([[0.16, 0.1, 0.13], [0.07, 0.01, 0.04]]))
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written[(1, 1)] == "0.01"


def test_a_gap_in_a_heat_map_stays_one(tmp_path: Path) -> None:
    whole = _sweep(tmp_path, TWO)
    rows = [SweepJob(0, whole.rows[0].planned, State(FAILED, error="e")), *whole.rows[1:]]
    settings = averages.settings(replace(whole, rows=rows))
    ax = heat_map(settings, "loops", "", new_figure(4, 3).add_subplot())
    assert np.ma.count_masked(ax.images[0].get_array()) == 1
    assert len(ax.texts) == 5


def test_a_curve_has_its_points_and_intervals(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, RATES)
    ax = parameter_curve(averages.settings(sweep), "loops", [""], new_figure(4, 3).add_subplot())
    assert ax.get_xscale() == "log"
    line = ax.lines[0]
    assert line.get_xdata() == pytest.approx([0.01, 0.1, 1])
    assert line.get_ydata() == pytest.approx([0, 0.01, 0.02])
    ends = [segment[:, 1] for segment in ax.collections[0].get_segments()]
    assert np.array(ends) == pytest.approx(np.array([[-0.02, 0.03], [-0.01, 0.04], [0, 0.05]]))


def test_human_text_keeps_its_interval_whatever_the_number_of_settings(tmp_path: Path) -> None:
    """One seed: its own interval at each place, and not one that shrinks with the settings."""
    sweep = _sweep(tmp_path, RATES)
    ax = parameter_curve(averages.settings(sweep), "loops", [""], new_figure(4, 3).add_subplot())
    (band,) = [each for each in ax.collections if isinstance(each, PolyCollection)]
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((0.04, 0.06))


def test_equal_sweeps_are_equal_bytes(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "two"):
        sweep = _sweep(tmp_path / name, RATES)
        pages.append(write_sweep_report(sweep, draw_all(sweep, tmp_path / name), []).read_bytes())
    assert pages[0] == pages[1]


def test_the_page_needs_nothing_and_escapes_everything(tmp_path: Path) -> None:
    whole = _sweep(tmp_path, RATES)
    evil = "<script>alert(1)</script>"
    rows = [SweepJob(0, whole.rows[0].planned, State(FAILED, error=evil)), *whole.rows[1:]]
    sweep = replace(whole, rows=rows)
    page = write_sweep_report(sweep, draw_all(sweep, tmp_path), [evil]).read_text()
    assert evil not in page
    assert "nextchar-run -m &lt;a&gt;=1" in page
    assert not re.search(r"(?:src|href)=\"https?:", page)
    assert "2 done" in page
    assert "1 failed" in page
    # The best is the first of those that are left.
    best = page.index('id="best"')
    assert page.index("../../runs/run-1/report.html", best) < page.index("run-2/", best)


def test_what_differs_is_ranked_and_seeds_alone_are_not(tmp_path: Path) -> None:
    both = _sweep(tmp_path, {"training.learning_rate": ["0.01", "0.02"], **SEEDS})
    found = ranking(both)
    assert [row.job for row, _ in found.jobs] == [0, 1, 2, 3, 4, 5]
    assert (
        found.verdict == "training.learning_rate: 0.01 beat 0.02 on all 3 seeds (validation loss)."
    )
    assert ranking_text(both).startswith(
        "validation loss\n  1  1.0000  training.learning_rate=0.01"
    )
    alone = _sweep(tmp_path, SEEDS)
    assert not ranking(alone).jobs
    assert ranking_text(alone) == ""
    assert 'id="best"' not in write_sweep_report(alone, Drawn(), []).read_text()


def test_a_job_whose_run_is_gone_is_pending(tmp_path: Path) -> None:
    folder = tmp_path / "sweeps" / "s"
    stored.write_state(folder, "k", State(FAILED, error="before"))
    assert stored.read_state(folder, "k").state == FAILED
    stored.write_state(folder, "k", State(FINISHED))
    assert stored.read_state(folder, "k").state == PENDING
    run = tmp_path / "runs" / "k"
    run.mkdir(parents=True)
    results.seal(run)
    assert stored.read_state(folder, "k").state == FINISHED
    assert list((folder / "jobs").iterdir()) == []
