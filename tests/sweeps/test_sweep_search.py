"""The laws of a search: points once each, a total that holds over kills, fronts that are fronts."""

from __future__ import annotations

import csv
import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import sweep_jobs
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nextchar.config import ConfigError
from nextchar.plots.search import Trials, is_best

pytest.importorskip("optuna")
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from nextchar.sweeps import optuna_study, search_space

SEARCH = (
    "sweep=search",
    "hydra.launcher.work=sweep_jobs:hill",
    "hydra.sweeper.objectives={validation_loss: minimize}",
    "hydra.sweeper.params={training.learning_rate: 'tag(log, interval(0.001, 1.0))'}",
)


def _parsed(override: str):  # type: ignore[no-untyped-def]
    return search_space.distribution(OverridesParser.create().parse_override(override))


def _search(folder: Path, total: int = 8, **given_: object) -> optuna_study.Search:
    plain: dict[str, object] = {
        "space": {"x": FloatDistribution(0, 1)},
        "aims": {"validation_loss": "minimize"},
        "fixed": "",
        "seed": 0,
        "method": "tpe",
        "startup": 4,
        "pruning": False,
        "anew": False,
        "planned": lambda study: (),
    }
    return optuna_study.Search(folder, **(plain | given_))  # type: ignore[arg-type]


def _rows(folder: Path, name: str = "search") -> list[dict[str, str]]:
    with (folder / "outputs" / "sweeps" / name / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_overrides_are_the_distributions_that_they_say() -> None:
    assert _parsed("a=interval(0.1,2.0)") == FloatDistribution(0.1, 2.0)
    assert _parsed("a=tag(log,interval(0.1,2.0))") == FloatDistribution(0.1, 2.0, log=True)
    assert _parsed("a=int(interval(1,9))") == IntDistribution(1, 9)
    assert _parsed("a=range(5,105,5)") == IntDistribution(5, 100, step=5)
    assert _parsed("a=1,2,x") == CategoricalDistribution(["1", "2", "x"])
    assert _parsed("a=choice([b],[c])") == CategoricalDistribution(["[b]", "[c]"])
    with pytest.raises(ConfigError, match="logarithmic scale needs values above 0"):
        _parsed("a=tag(log,interval(0.0,2.0))")


def test_a_small_space_is_tried_whole_and_each_point_once(tmp_path: Path) -> None:
    search = _search(
        tmp_path, space={"x": IntDistribution(0, 2), "y": CategoricalDistribution("ab")}
    )
    tried = []
    for number, point in search.points(50):
        tried.append((point["x"], point["y"]))
        search.tell(number, [float(point["x"])], pruned=False)
    assert sorted(tried) == [(x, y) for x in "012" for y in "ab"]


def test_the_size_of_a_space_is_its_points() -> None:
    space = {
        "x": IntDistribution(5, 100, step=5),
        "y": CategoricalDistribution("ab"),
        "z": FloatDistribution(0.3, 1.0, step=0.1),
    }
    assert search_space.size(space) == 20 * 2 * 8
    assert search_space.size(space | {"u": FloatDistribution(0, 1)}) == float("inf")


def test_a_killed_drivers_trials_are_taken_up_first(tmp_path: Path) -> None:
    search = _search(tmp_path)
    points = search.points(6)
    (first, _), (second, lost) = next(points), next(points)
    search.tell(first, [1.0], pruned=False)
    # Here the driver dies; the next one has the same command.
    search = _search(tmp_path)
    again = list(search.points(2))
    assert again == [(second, lost)]
    search.tell(second, [0.5], pruned=False)
    assert search.over() == 2
    # n_trials is a total, and no point comes twice.
    more = [point for _, point in search.points(6)]
    assert len(more) == 4
    assert len({point["x"] for point in search.tried()}) == 6
    assert len(search._study.trials) == 6  # nor was one proposed twice


def test_a_failed_point_is_tried_again_and_counts_once(tmp_path: Path) -> None:
    search = _search(tmp_path)
    ((number, point),) = search.points(1)
    search.tell(number, [None], pruned=False)
    search = _search(tmp_path)
    ((again, same),) = search.points(1)
    assert again != number
    assert same == point
    search.tell(again, [1.0], pruned=False)
    assert list(_search(tmp_path).points(1)) == []
    assert len(search.tried()) == 1


def test_another_experiment_is_another_study(tmp_path: Path) -> None:
    search = _search(tmp_path, fixed="a")
    for number, _ in search.points(3):
        search.tell(number, [1.0], pruned=False)
    assert _search(tmp_path, fixed="a").over() == 3
    assert _search(tmp_path, fixed="b").over() == 0
    assert _search(tmp_path, fixed="a", anew=True).over() == 0


def test_a_search_finds_the_valley(tmp_path: Path) -> None:
    """(x - 0.7)^2 in 40 trials: the best of 40 uniform draws is within 0.1 with probability
    1 - 0.8^40 > 0.9998; the seed is fixed, and TPE is better."""
    search = _search(tmp_path)
    found = []
    for number, point in search.points(40):
        value = (float(point["x"]) - 0.7) ** 2
        search.tell(number, [value], pruned=False)
        found.append(value)
    assert min(found) < 0.01
    assert np.mean(found[20:]) < np.mean(found[:8])


def test_importance_is_where_the_difference_is(tmp_path: Path) -> None:
    search = _search(tmp_path, space={"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1)})
    assert search.importance() == {}
    for number, point in search.points(40):
        search.tell(number, [float(point["x"])], pruned=False)
    shares = search.importance()
    assert shares["x"] > 0.8
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)


def test_a_hopeless_training_is_stopped(tmp_path: Path) -> None:
    """Losses above the median of eight finished trainings at the same step: no prospect."""
    from nextchar.results import TrainingRecord
    from nextchar.sweeps.job import reporter
    from nextchar.sweeps.jobs import PrunedError

    def record(step: int, loss: float | None) -> TrainingRecord:
        return TrainingRecord(step, 1.0, loss, 0.1, 1.0)

    search = _search(tmp_path, pruning=True)
    points = search.points(10)
    for loss in range(8, 0, -1):
        number, _ = next(points)
        trial = search.trial(number)
        assert trial is not None
        watch = reporter(trial)
        watch(record(1, None))
        watch(record(2, float(loss)))
        search.tell(number, [float(loss)], pruned=False)
    number, _ = next(points)
    trial = search.trial(number)
    assert trial is not None
    reporter(trial)(record(2, 1.5))
    reporter(trial)(record(2, 99.0))  # the same step again, as after a stop: it was told
    number, _ = next(points)
    trial = search.trial(number)
    assert trial is not None
    with pytest.raises(PrunedError, match="step 2 of the training"):
        reporter(trial)(record(2, 99.0))


def test_many_objectives_prune_nothing(tmp_path: Path) -> None:
    search = _search(tmp_path, aims={"a": "minimize", "b": "maximize"}, pruning=True)
    ((number, _),) = search.points(1)
    assert search.trial(number) is None
    search.tell(number, [1.0, 2.0], pruned=False)
    assert search.over() == 1


@pytest.mark.parametrize(
    "launcher", [pytest.param("sequential", marks=pytest.mark.slow), "parallel"]
)
def test_a_search_is_a_sweep_with_a_total(tmp_path: Path, launcher: str) -> None:
    command = (*SEARCH, f"launcher={launcher}")
    done = sweep_jobs.run(tmp_path, *command, "hydra.sweeper.n_trials=6")
    assert done.returncode == 0, done.stderr
    rates = [row["training.learning_rate"] for row in _rows(tmp_path)]
    assert len(set(rates)) == 6
    if launcher == "sequential":
        more = sweep_jobs.run(tmp_path, *command, "hydra.sweeper.n_trials=8")
        assert "6 of 8 jobs were done before" in more.stderr
        assert [row["training.learning_rate"] for row in _rows(tmp_path)][:6] == rates
        assert len(_rows(tmp_path)) == 8
        plots = tmp_path / "outputs" / "sweeps" / "search" / "plots"
        drawn = {path.stem for path in plots.glob("*.png")}
        assert drawn == {"history", "parallel_coordinates"}


@pytest.mark.slow
def test_quality_against_diversity_has_a_front(tmp_path: Path) -> None:
    done = sweep_jobs.run(
        tmp_path,
        "sweep=search_decoding",
        "hydra.sweeper.n_trials=24",
        "launcher=parallel",
        "hydra.launcher.work=sweep_jobs:trade_off",
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "outputs" / "sweeps" / "search_decoding"
    drawn = {path.stem for path in (folder / "plots").glob("*.png")}
    assert drawn == {"history", "parallel_coordinates", "pareto_front", "importance"}
    rows = _rows(tmp_path, "search_decoding")
    assert len(rows) == 24
    assert all(0.3 <= float(row["decoding.samplers.0.temperature"]) <= 1.5 for row in rows)


@pytest.mark.slow
def test_a_search_killed_at_random_moments_repeats_nothing(tmp_path: Path) -> None:
    command = (*SEARCH, "launcher=parallel", "hydra.sweeper.n_trials=8")
    moments = random.Random(5)
    for _ in range(6):
        driver = subprocess.Popen(
            sweep_jobs.program(tmp_path, *command),
            cwd=tmp_path,
            env=sweep_jobs.environment(),
            stderr=subprocess.DEVNULL,
        )
        time.sleep(moments.uniform(2, 8))
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    done = sweep_jobs.run(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    rows = _rows(tmp_path)
    assert [row["status"] for row in rows] == ["done"] * 8
    assert len({row["training.learning_rate"] for row in rows}) == 8
    book = (tmp_path / "outputs" / "computed.txt").read_text().split()
    assert len(book) == len(set(book)) == 8


@settings(deadline=None)
@given(
    npst.arrays(float, st.tuples(st.integers(1, 12), st.just(2)), elements=st.integers(-3, 3)),
    st.sampled_from([("minimize", "minimize"), ("minimize", "maximize"), ("human", "maximize")]),
)
def test_the_front_is_what_nothing_beats(scores: np.ndarray, aims: tuple[str, str]) -> None:
    """Against the definition, job by job."""
    costs = scores * [-1 if aim == "maximize" else 1 for aim in aims]
    beaten = [any((other <= one).all() and (other < one).any() for other in costs) for one in costs]
    assert (is_best(Trials([], ["a", "b"], aims, scores).costs) == ~np.array(beaten)).all()
