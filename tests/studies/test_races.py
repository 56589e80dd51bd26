"""Races of recipes: the tables and the picture of their curves, without training any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from studies import pages
from studies.benchmarks import trained, training
from studies.benchmarks.plot import draw_race, loss_against_seconds, rounds_of
from studies.benchmarks.race import Curve, Point, RacePoint, shares, summarize

from nextchar import results
from nextchar.plots.style import new_figure


def curve(seconds: float, end: float) -> Curve:
    """Ten evaluations, evenly over so many seconds; the loss falls evenly from 3 to `end`."""
    points = [Point(seconds * i / 10, 1000 * i, 3 + (end - 3) * i / 10) for i in range(1, 11)]
    return Curve(points, parameters=1234)


CURVES = {
    "default": [curve(100, 1.5), curve(110, 1.5), curve(90, 1.4)],
    "quick": [curve(20, 1.8), curve(20, 1.9), curve(22, 1.8)],
    "slow": [curve(1000, 1.0)] * 3,
}


def test_recipes_are_compared_at_shares_of_the_baselines_time() -> None:
    found = {row[:2]: row[2:] for row in shares(CURVES)}
    assert len(found) == 3 * 4
    assert found["default", 1] == (
        "100 [90, 110]",
        "10,000 [10,000, 10,000]",
        "1.5000 [1.4000, 1.5000]",
    )
    assert found["default", 0.5][-1] == "2.2500 [2.2000, 2.2500]"
    # 10 of 20 s, 11 of 20 s, 9 of 22 s: the evaluations before are the 5th, 5th and 4th.
    assert found["quick", 0.1][-1] == "2.4500 [2.4000, 2.5200]"
    assert found["quick", 1][-1] == "1.8000 [1.8000, 1.9000]"
    # 100 s is its first evaluation, but 90 s is before it.
    assert found["slow", 1][1:] == ("", "")


def test_recipes_stand_beside_the_baseline() -> None:
    baseline, quick, slow = summarize(CURVES, 2.0)
    assert (baseline.seconds, baseline.loss) == ("100 [90, 110]", "1.5000 [1.4000, 1.5000]")
    assert baseline.loss_in_baseline_time == baseline.loss
    assert baseline.speedup == "1 [1, 1]"
    assert (quick.parameters, quick.characters, quick.nanogpt_loss) == (1234, 10_000, "")
    # 2 at the 7th of 10 evaluations (70, 77 and 63 s); 9th, 10th, 9th: 18, 20 and 19.8 s.
    assert quick.speedup == "3.85 [3.18, 3.89]"
    # 100 s is its first evaluation, but 90 s is before it; 2.0 at the 5th, after 500 s.
    assert (slow.loss_in_baseline_time, slow.speedup) == ("", "0.14 [0.126, 0.154]")
    rounds = [replace(each, nanogpt_loss=1.5 + turn) for turn, each in enumerate(CURVES["quick"])]
    assert summarize({"quick": rounds}, 2.0)[0].nanogpt_loss == "2.5000 [1.5000, 3.5000]"


def test_what_is_written_reads_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, page = tmp_path / "figures", tmp_path / training.PAGE
    training.write(folder, CURVES, "told")
    race: list[RacePoint] = results.read_rows(RacePoint, folder / training.CSV)
    assert len(race) == 3 * 3 * 10
    assert race[0] == RacePoint("default", 1, 10, 1000, pytest.approx(2.85))  # type: ignore[arg-type]
    assert {point.round for point in race} == {1, 2, 3}
    png = folder / "training.png"
    assert capsys.readouterr().out.splitlines() == [str(folder / training.CSV), str(png)]
    assert not page.exists()
    begin, end = pages.markers(training.PROGRAM)
    page.write_text(f"before\n{begin}old{end}\nafter\n", encoding="utf-8")
    training.write(folder, CURVES, training.tables(CURVES, 2.0, torch.device("cpu")))
    assert capsys.readouterr().out.endswith(f"{page}\n")
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{begin}\n![Loss against time](figures/training.png)\n")
    assert written.endswith(f"{end}\nafter\n")
    assert "old" not in written
    assert "| `quick` | 1,234 | 10,000 | 20 [20, 22] |" in written
    assert f"3 alternating rounds, {torch.get_num_threads()} threads of " in written
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
    assert seconds == pytest.approx(range(10, 101, 10))
    assert losses.shape == (3, 10)
    assert losses[:, -1] == pytest.approx([1.5, 1.5, 1.4])
    ax = new_figure(4, 3).add_subplot()
    tags = loss_against_seconds(race, ax)
    assert [tag.text.split()[0] for tag in tags] == list(CURVES)
    drawn = np.asarray(ax.lines[0].get_ydata())
    assert drawn == pytest.approx(np.median(losses, axis=0))
    assert (tags[0].x, tags[0].y) == (pytest.approx(100), pytest.approx(1.5))


def test_a_baseline_that_does_not_get_there_gives_a_lower_bound() -> None:
    race = {"slow": [curve(100, 1.9), curve(200, 1.9)], "quick": [curve(20, 1.8), curve(20, 1.8)]}
    # 2.04 at the 8th of 10 evaluations, so below 2 at the 9th: 18 s; 1.9 + 0.11 at the 10th, 100 s.
    assert summarize(race, 2.0)[1].speedup == "8.33 [5.56, 11.1]"
    slow, quick = summarize(race, 1.85)
    assert (slow.speedup, quick.speedup) == ("", "at least 7.5 [5, 10]")
    one_did_not = race | {"quick": [curve(20, 1.8), curve(20, 1.86)]}
    assert summarize(one_did_not, 1.85)[1].speedup == ""


def test_finished_trainings_are_tabled(tiny_run: Path) -> None:
    run = results.read_run(tiny_run)
    (line,) = trained.table([run]).splitlines()[2:]
    _, name, parameters, steps, seen, _, loss, windows, _ = map(str.strip, line.split("|"))
    assert name.startswith("`tiny`, 1 seed, 1 thread of ")
    model, training = run.manifest["model"], run.config["training"]
    assert (parameters, steps) == (f"{model['parameters']:,}", str(training["steps"]))
    assert seen.replace(",", "") == str(12 * training["batch_size"] * 16)
    value = f"{model['validation_loss']:.4f}"
    assert (loss, windows) == (f"{value} [{value}, {value}]", "–")
