"""A damaged file of a sweep is named, blocks no other job, and the same command mends it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sweep_jobs
from launching import Ended

from nextchar.config import ConfigError
from nextchar.results import sweep as stored
from nextchar.results.sweep import FAILED, FINISHED, PENDING, PRUNED, State
from torture.mutations import MUTATIONS, mutate
from torture.verdict import contents, wrong

pytest.importorskip("optuna")
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from nextchar.sweeps import journal, optuna_study, summarize

GRID = ("-m", "hydra.launcher.work=sweep_jobs:perilous_nothing", "seed=0,1,14")
SUMMARY = ("summary.csv", "metrics.csv")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of a sweep of which one job fails."""
    folder = tmp_path_factory.mktemp("swept")
    again(folder)
    return folder


def again(folder: Path) -> Ended:
    """The sweep, whose failure is the one job's."""
    ended = sweep_jobs.run(folder, *GRID)
    assert ended.returncode == 1, ended.stderr
    said = Ended(0, ended.stdout, ended.stderr)
    assert said.lines[-1].startswith("nextchar: 1 of 3 jobs failed")
    (job,) = (line for line in said.lines if line.startswith("job failed: seed=14: "))
    assert Path(job.rpartition("(its output: ")[2].removesuffix(")")).is_file()
    assert "Error executing" not in ended.stderr, "Hydra's"
    return said


@pytest.fixture
def copied(swept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(swept, tmp_path / "here", symlinks=True))


def sweep_folder(folder: Path) -> Path:
    return folder / "outputs" / "sweeps" / "smoke"


def job_files(folder: Path) -> dict[str, Path]:
    """A file of each kind."""
    (state,) = (sweep_folder(folder) / stored.JOBS).glob("*.json")
    done = stored.read_plan(sweep_folder(folder)).jobs[0].key
    names = ("metrics.csv", "manifest.json", "DONE")
    files = {name: folder / "outputs" / "runs" / done / name for name in names}
    return {"sweep.json": sweep_folder(folder) / stored.PLAN, "state": state} | files


QUICK = [("metrics.csv", "flip")]
"""A sweep starts processes that import torch: the others are slow."""


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        pytest.param(kind, how, marks=() if (kind, how) in QUICK else pytest.mark.slow)
        for kind in ("sweep.json", "state", "metrics.csv", "manifest.json", "DONE")
        for how in MUTATIONS
    ],
)
def test_the_same_command_mends_it(copied: Path, kind: str, how: str) -> None:
    before = contents(copied, SUMMARY)
    damaged = job_files(copied)[kind]
    mutate(damaged, how, seed=0)
    ended = again(copied)
    if kind == "state" or (how == "gone" and kind in ("sweep.json", "DONE")):
        assert contents(copied, SUMMARY) == before  # the job runs again, as it would in any case
    else:
        assert not wrong(ended, damaged, before, contents(copied, SUMMARY)), ended.err


@pytest.mark.parametrize("how", sorted(set(MUTATIONS) - {"gone"}))
def test_a_damaged_job_counts_as_failed_until_then(
    swept: Path, copied: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, path in job_files(copied).items():
        if kind == "sweep.json":
            continue
        content = path.read_bytes()
        for seed in range(5):
            mutate(path, how, seed)
            rows = stored.read_sweep(sweep_folder(copied)).rows
            row = rows[2 if kind == "state" else 0]
            assert row.state.state == FAILED
            assert str(path) in str(row.state.error)
            assert f"warning: {path}: " in capsys.readouterr().err
            assert [each.state.state for each in rows[:2]].count(FINISHED) >= 1
            path.write_bytes(content)
    assert [row.state for row in stored.read_sweep(sweep_folder(copied)).rows] == [
        row.state for row in stored.read_sweep(sweep_folder(swept)).rows
    ]


def test_a_plan_that_is_damaged_is_no_plan(tmp_path: Path) -> None:
    plan = stored.Plan("n", "c", ("a",), (), (stored.PlannedJob("k", ("1",)),))
    for how in MUTATIONS:
        stored.write_plan(tmp_path, plan)
        stored.write_state(tmp_path, "k", State(FAILED, error="why"))
        mutate(tmp_path / stored.PLAN, how, seed=0)
        with pytest.raises(ConfigError, match=r"sweep\.json.*repeat the sweep's command"):
            stored.read_plan(tmp_path)


SPACE: dict[str, BaseDistribution] = {
    "rate": FloatDistribution(1e-4, 1e-1, log=True),
    "layers": IntDistribution(1, 50),
    "kind": CategoricalDistribution(["a", "b,c"]),
}


class Searched:
    """A search of ten points, of which everything is told but the last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scores: dict[str, float] = {}
        self.plan: list[dict[str, str]] = []

    def open(self) -> optuna_study.Search:
        return optuna_study.Search(
            self.folder,
            space=SPACE,
            aims={"loss": "minimize"},
            fixed="",
            seed=0,
            method="random",
            startup=4,
            pruning=False,
            planned=lambda study: self.plan,
            anew=False,
        )

    def go_on(self) -> list[dict[str, str]]:
        """Do what is left, to the end; a score depends on the point alone."""
        search = self.open()
        for number, point in search.points(10):
            search.tell(number, [float(point["rate"])], pruned=False)
        return search.tried()


@pytest.mark.parametrize("how", MUTATIONS)
def test_a_damaged_journal_loses_nothing(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What its plan knows is entered again; the same points have the same scores at the end."""
    searched = Searched(tmp_path)
    points = searched.plan = searched.go_on()
    path = tmp_path / optuna_study.JOURNAL
    content = path.read_bytes()
    for seed in range(5):
        path.write_bytes(content)
        mutate(path, how, seed)
        capsys.readouterr()
        again = searched.go_on()
        assert sorted(map(str, again)) == sorted(map(str, points))
        assert f"{path}: " in capsys.readouterr().err
        assert searched.open().over() == len(points)
        assert capsys.readouterr().err == "", "mended"


@pytest.mark.parametrize("how", MUTATIONS)
def test_a_pruned_job_stays_pruned(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The search knows it: a state that is damaged, or gone, is written again."""
    searched = Searched(tmp_path)
    number, point = next(searched.open().points(10))
    searched.open().tell(number, [None], pruned=True)
    assert searched.open().pruned() == [point]
    for seed in range(5):
        stored.write_state(tmp_path, "key", State(PRUNED, error="behind"))
        mutate(tmp_path / stored.JOBS / "key.json", how, seed)
        assert stored.read_state(tmp_path, "key").state in (FAILED, PENDING)
        summarize.restore_pruned(tmp_path, ["key"])
        assert "key.json: written again, as pruned" in capsys.readouterr().err
        assert stored.read_state(tmp_path, "key").state == PRUNED
    summarize.restore_pruned(tmp_path, ["key"])
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_a_damaged_run_of_a_search_is_made_again(tmp_path: Path) -> None:
    """And the search does not count it twice, nor chooses another point for it."""
    search = (
        "sweep=search",
        "hydra.launcher.work=sweep_jobs:hill",
        "hydra.sweeper.objectives={validation_loss: minimize}",
        "hydra.sweeper.params={training.learning_rate: 'tag(log, interval(0.001, 1.0))'}",
        "hydra.sweeper.n_trials=4",
    )
    assert sweep_jobs.run(tmp_path, *search).returncode == 0
    before = contents(tmp_path, SUMMARY)
    damaged = sorted((tmp_path / "outputs" / "runs").glob("*/metrics.csv"))[0]
    mutate(damaged, "digit", seed=0)
    done = sweep_jobs.run(tmp_path, *search)
    ended = Ended(done.returncode, done.stdout, done.stderr)
    assert not wrong(ended, damaged, before, contents(tmp_path, SUMMARY)), ended.err
    assert len(sweep_jobs.computed(tmp_path)) == 5


def test_a_journal_is_read_by_several(tmp_path: Path) -> None:
    """Each sees what the others wrote, in one order; an unfinished line is not there yet."""
    path = tmp_path / "study.journal"
    one, other = journal.Journal(path), journal.Journal(path)
    one.append_logs([{"a": 1}, {"b": [2]}])
    other.append_logs([{"c": 3}])
    assert [*one.read_logs(0)] == [*other.read_logs(0)] == [{"a": 1}, {"b": [2]}, {"c": 3}]
    with path.open("ab") as file:
        file.write(b"0123 {")
    assert [*one.read_logs(3)] == []
    other.append_logs([{"d": 4}])
    assert [*one.read_logs(3)] == [{"d": 4}]
    assert [*journal.Journal(path).read_logs(2)] == [{"c": 3}, {"d": 4}]
