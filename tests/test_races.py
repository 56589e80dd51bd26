"""Recipes in turn: what is told of their curves, without training any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nextchar import results
from nextchar.benchmarks import training
from nextchar.benchmarks.training import Curve, Point
from nextchar.plots.races import draw_race, loss_against_seconds, rounds_of
from nextchar.plots.style import new_figure
from nextchar.results import RacePoint


def curve(seconds: float, end: float) -> Curve:
    """Ten evaluations, evenly over so many seconds; the loss falls evenly from 3 to `end`."""
    return Curve([Point(seconds * i / 10, 1000 * i, 3 + (end - 3) * i / 10) for i in range(1, 11)])


CURVES = {
    "default": [curve(100, 1.5), curve(110, 1.5), curve(90, 1.4)],
    "quick": [curve(20, 1.8), curve(20, 1.9), curve(22, 1.8)],
    "slow": [curve(1000, 1.0)] * 3,
}


def test_recipes_are_compared_at_shares_of_the_yardsticks_time() -> None:
    lines = training.table(CURVES)
    assert len(lines) == 1 + 3 * 4
    found = {(line.split()[0], line.split()[1]): line for line in lines[1:]}
    assert "100 [90, 110]" in found["default", "100%"]
    assert found["default", "100%"].endswith("1.5000 [1.4000, 1.5000]")
    assert "10,000 [10,000, 10,000]" in found["default", "100%"]
    assert found["default", "50%"].endswith("2.2500 [2.2000, 2.2500]")
    # 10 of 20 s, 11 of 20 s, 9 of 22 s: the evaluations before are the 5th, 5th and 4th.
    assert found["quick", "10%"].endswith("2.4500 [2.4000, 2.5200]")
    assert found["quick", "100%"].endswith("1.8000 [1.8000, 1.9000]")
    # 100 s is its first evaluation, but 90 s is before it.
    assert found["slow", "100%"].endswith("–")


def test_what_is_written_reads_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training.write(tmp_path, CURVES)
    race: list[RacePoint] = results.read_rows(RacePoint, tmp_path / training.CSV)
    assert len(race) == 3 * 3 * 10
    assert race[0] == RacePoint("default", 1, 10, 1000, pytest.approx(2.85))  # type: ignore[arg-type]
    assert {point.round for point in race} == {1, 2, 3}
    png = tmp_path / "training.png"
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / training.CSV), str(png)]
    again = draw_race(race, tmp_path / "again", "training")
    assert again.read_bytes() == png.read_bytes()
    assert png.with_suffix(".svg").exists()


def test_a_curve_is_the_median_within_the_range_of_its_rounds() -> None:
    race = [
        RacePoint(name, turn, point.seconds, point.characters, point.loss)
        for name, own in CURVES.items()
        for turn, each in enumerate(own)
        for point in each.points
    ]
    seconds, losses = rounds_of([point for point in race if point.recipe == "default"])
    assert losses.shape == (3, len(seconds))
    assert (seconds[0], seconds[-1]) == (pytest.approx(11), pytest.approx(90))
    assert losses[:, -1] == pytest.approx([1.65, 3 - 1.5 * 90 / 110, 1.4])
    ax = new_figure(4, 3).add_subplot()
    tags = loss_against_seconds(race, ax)
    assert [tag.text.split()[0] for tag in tags] == list(CURVES)
    drawn = np.asarray(ax.lines[0].get_ydata())
    assert drawn == pytest.approx(np.median(losses, axis=0))
    assert (tags[0].x, tags[0].y) == (pytest.approx(90), pytest.approx(1.65))


def test_a_yardstick_that_does_not_get_there_gives_a_lower_bound(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quick, slow = [curve(20, 1.8), curve(20, 1.8)], [curve(100, 1.9), curve(200, 1.9)]
    training._print_summary("quick", quick, slow, 2.0)
    # 2.04 at the 8th of 10 evaluations, so below 2 at the 9th: 18 s; 1.9 + 0.11 at the 9th, 100 s.
    assert capsys.readouterr().out.endswith(" reaches 2.0 8.33 [5.56, 11.1] times as soon\n")
    training._print_summary("quick", quick, slow, 1.85)
    assert capsys.readouterr().out.endswith(" reaches 1.85 at least 7.5 [5, 10] times as soon\n")
    training._print_summary("slow", slow, slow, 1.85)
    assert "reaches" not in capsys.readouterr().out
