"""The laws of a sweep: no job's end is another's, nothing is done twice, the summary is the same.

Most jobs here cost nothing (`sweep_jobs.nothing`), so that what is tested is the sweep; the real
experiment goes through the launchers in test_launchers.py.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import sweep_jobs
from hydra import compose, initialize_config_module
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from hypothesis import given
from hypothesis import strategies as st

from nextchar import config
from nextchar.data import download, source
from nextchar.results import HUMAN, Metric, sweep_csv
from nextchar.results import sweep as stored
from nextchar.results import sweep_aggregate as averages
from nextchar.results.sweep import FINISHED, Plan, PlannedJob, State, Sweep, SweepJob
from nextchar.sweeps import live
from nextchar.sweeps.composing import Composer

NOTHING = "hydra.launcher.work=sweep_jobs:nothing"


def _summary(folder: Path, name: str = "smoke") -> list[dict[str, str]]:
    with (folder / "outputs" / "sweeps" / name / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("'a b.txt'", "a b.txt"),
        ('"it\'s"', "it's"),
        (r"'it\'s'", "it's"),
        ("0.1", "0.1"),
        ("", ""),
        (r"'c:\x'", r"c:\x"),
        ("['x y',{top_k:5}]", "[x y,{top_k:5}]"),
        ("path='a b.txt'", "path=a b.txt"),
    ],
)
def test_values_are_shown_without_quotes(tmp_path: Path, written: str, read: str) -> None:
    """As a reader writes them; the plan keeps what was typed, which a search compares."""
    assert stored.unquoted(written) == read
    job = PlannedJob("key", (written, "1"))
    sweep = Sweep(tmp_path, Plan("n", "c", ("a", "b"), (), (job,)), [SweepJob(0, job, State("x"))])
    assert averages.shown(sweep, sweep.rows[0], "a") == read
    (row,) = csv.DictReader(sweep_csv.summary_csv(sweep).splitlines())
    assert (row["a"], row["b"]) == (read, "1")


def test_a_grid_has_a_row_a_job_and_is_shown(tmp_path: Path) -> None:
    done = sweep_jobs.run(tmp_path, "-m", NOTHING, "seed=0,1,2", "training.learning_rate=0.01,0.02")
    assert done.returncode == 0, done.stderr
    rows = _summary(tmp_path)
    asked = [(row["seed"], row["training.learning_rate"]) for row in rows]
    assert asked == [(seed, rate) for seed in "012" for rate in ("0.01", "0.02")]
    assert {row["status"] for row in rows} == {"done"}
    assert [float(row["loops"]) for row in rows] == [0, 0, 1, 1, 2, 2]
    folder = tmp_path / "outputs" / "sweeps" / "smoke"
    assert done.stdout.endswith(f"report: {folder / 'report.html'}\n")
    assert (folder / "plots" / "curves.png").stat().st_size > 1000
    assert (tmp_path / "outputs" / "latest").resolve() == folder
    page = (folder / "report.html").read_text()
    assert "6 jobs: 6 done" in page
    links = [row["run"] for row in rows]
    assert all(f"../../runs/{run}/report.html" in page for run in links)


def test_the_page_of_a_sweep_at_work_tells_how_far_it_is_and_refreshes(tmp_path: Path) -> None:
    work = "hydra.launcher.work=sweep_jobs:keeps_the_page"
    done = sweep_jobs.run(tmp_path, "-m", work, "seed=0,1,2", "launcher=sequential")
    assert done.returncode == 0, done.stderr
    refresh = '<meta http-equiv="refresh" content="5">'
    for seed, rest in enumerate([", 2 pending", ", 1 pending", ""]):
        seen = (tmp_path / "outputs" / f"{seed}.html").read_text()
        assert f"Still running: {seed} of 3 jobs done, 1 running{rest}." in seen
        assert refresh in seen
        assert seen.count("report.html") == seed  # links to the runs that there are
    ended = (tmp_path / "outputs" / "sweeps" / "smoke" / "report.html").read_text()
    assert "3 jobs: 3 done." in ended
    assert refresh not in ended


def test_a_large_sweep_writes_its_page_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small one at every change, a large one about so many times in all."""
    monkeypatch.setattr(live, "WRITINGS", 6)
    stored.write_plan(tmp_path, Plan("large", "", ("seed",), (), (PlannedJob("0", ("0",)),)))
    page = tmp_path / "report.html"
    for total, expected in ((3, 6), (5, 10), (6, 6), (3000, 6)):
        live_page, written = live.LivePage(tmp_path, total), 0
        for _ in range(2 * total):
            live_page.changed("0")
            written += page.exists()
            page.unlink(missing_ok=True)
        assert written == expected


@pytest.mark.parametrize(
    "launcher", [pytest.param("sequential", marks=pytest.mark.slow), "parallel"]
)
def test_every_way_to_end_badly_ends_only_its_job(tmp_path: Path, launcher: str) -> None:
    seeds = "seed=11,12,13,14,0"
    command = ("-m", "hydra.launcher.work=sweep_jobs:perilous_nothing", seeds)
    done = sweep_jobs.run(tmp_path, *command, f"launcher={launcher}")
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1].startswith("nextchar: 4 of 5 jobs failed")
    rows = {row["seed"]: row for row in _summary(tmp_path)}
    assert {seed: row["status"] for seed, row in rows.items()} == {
        "11": "failed",
        "12": "failed",
        "13": "failed",
        "14": "failed",
        "0": "done",
    }
    assert rows["11"]["error"] == "ZeroDivisionError: eleven"
    assert "exit code 3" in rows["12"]["error"]
    assert "SIGKILL" in rows["13"]["error"]
    assert "sys.exit with code 4" in rows["14"]["error"]
    for seed in ("11", "12", "13", "14"):
        assert f"seed={seed}: {rows[seed]['error']}" in done.stderr
    assert "last words" in done.stderr  # of the one that exited hard: its log's end


@pytest.mark.slow
def test_an_impossible_config_fails_alone(tmp_path: Path) -> None:
    done = sweep_jobs.run(tmp_path, "-m", NOTHING, "model.heads=1,3", "training.steps=abc,4")
    assert done.returncode == 1
    rows = _summary(tmp_path)
    assert [row["status"] for row in rows] == ["failed", "failed", "done", "failed"]
    assert "training.steps" in rows[0]["error"]
    assert "must be a multiple of model.heads=3" in rows[3]["error"]


@pytest.mark.slow
def test_repeating_does_what_is_missing_and_no_more(tmp_path: Path) -> None:
    book = tmp_path / "outputs" / "computed.txt"
    work = "hydra.launcher.work=sweep_jobs:booked"
    assert sweep_jobs.run(tmp_path, "-m", work, "seed=0,1").returncode == 0
    assert sorted(book.read_text().split()) == ["0", "1"]
    # A larger grid, by another launcher: what is done is found by its config's hash.
    done = sweep_jobs.run(tmp_path, "-m", work, "seed=1,2", "launcher=parallel", "threads=2")
    assert done.returncode == 0
    assert "1 of 2 jobs were done before" in done.stderr
    assert sorted(book.read_text().split()) == ["0", "1", "2"]
    assert [row["seed"] for row in _summary(tmp_path)] == ["1", "2"]
    # A run that is gone is done again.
    gone = tmp_path / "outputs" / "runs" / _summary(tmp_path)[0]["run"]
    (gone / "DONE").unlink()
    assert sweep_jobs.run(tmp_path, "-m", work, "seed=1,2").returncode == 0
    assert sorted(book.read_text().split()) == ["0", "1", "1", "2"]
    # Another text is another job, though its file has the same name.
    text = tmp_path / "text.txt"
    text.write_text(text.read_text() + "more\n")
    assert sweep_jobs.run(tmp_path, "-m", work, "seed=1").returncode == 0
    assert sorted(book.read_text().split()) == ["0", "1", "1", "1", "2"]


@pytest.mark.slow
def test_a_failed_job_runs_again(tmp_path: Path) -> None:
    work = "hydra.launcher.work=sweep_jobs:needs_a_file"
    assert sweep_jobs.run(tmp_path, "-m", work, "seed=0,1").returncode == 1
    (tmp_path / "needed").write_text("here")
    assert sweep_jobs.run(tmp_path, "-m", work, "seed=0,1").returncode == 0
    assert [row["status"] for row in _summary(tmp_path)] == ["done", "done"]


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_the_same(tmp_path: Path) -> None:
    """Ten kills of the driver, wherever it is; then the summary of one that was left in peace."""
    work = ("-m", "hydra.launcher.work=sweep_jobs:booked", "seed=range(8)", "launcher=parallel")
    command = sweep_jobs.program(tmp_path, *work)
    moments = random.Random(6)
    for _ in range(10):
        driver = subprocess.Popen(
            command, cwd=tmp_path, env=sweep_jobs.environment(), stderr=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(0.5, 5))
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    assert sweep_jobs.run(tmp_path, *work).returncode == 0
    folder = tmp_path / "outputs" / "sweeps" / "smoke"
    ended = (folder / "summary.csv").read_bytes()
    book = (tmp_path / "outputs" / "computed.txt").read_text().split()
    assert sorted(book) == [str(seed) for seed in range(8)]
    shutil.rmtree(tmp_path / "outputs")
    assert sweep_jobs.run(tmp_path, *work).returncode == 0
    assert (folder / "summary.csv").read_bytes() == ended


@pytest.mark.slow
def test_jobs_end_with_their_driver_and_view_tells_what_there_is(tmp_path: Path) -> None:
    work = ("-m", "hydra.launcher.work=sweep_jobs:first_then_forever", "seed=0,1,2")
    driver = subprocess.Popen(
        sweep_jobs.program(tmp_path, *work),
        cwd=tmp_path,
        env=sweep_jobs.environment(),
        stderr=subprocess.DEVNULL,
    )
    started = tmp_path / "outputs" / "1.pid"
    _until(started.exists)
    assert _viewed(tmp_path) == {"0": "done", "1": "running", "2": "pending"}
    second = sweep_jobs.run(tmp_path, *work)
    assert second.returncode == 2
    assert f"the sweep smoke is held by process {driver.pid}" in second.stderr
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    _until(lambda: not Path("/proc", started.read_text()).exists())
    assert _viewed(tmp_path) == {"0": "done", "1": "stopped", "2": "pending"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_control_c_leaves_a_summary_and_no_process(tmp_path: Path, name: str) -> None:
    work = ("-m", "hydra.launcher.work=sweep_jobs:first_then_forever", "seed=0,1,2")
    driver = subprocess.Popen(
        sweep_jobs.program(tmp_path, *work),
        cwd=tmp_path,
        env=sweep_jobs.environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    started = tmp_path / "outputs" / "1.pid"
    _until(started.exists)
    driver.send_signal(getattr(signal, name))
    _, said = driver.communicate()
    assert driver.returncode == 130
    assert "interrupted" in said.splitlines()[-1]
    assert [row["status"] for row in _summary(tmp_path)] == ["done", "stopped", "pending"]
    assert not Path("/proc", started.read_text()).exists()


def _viewed(folder: Path) -> dict[str, str]:
    viewed = subprocess.run(
        [*sweep_jobs.VIEW, "smoke"],
        cwd=folder,
        env=sweep_jobs.environment()
        | {"BROWSER": "true", "NEXTCHAR_OUTPUTS": str(folder / "outputs")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert viewed.returncode == 0, viewed.stderr
    assert viewed.stdout.strip().endswith("sweeps/smoke/report.html")
    return {row["seed"]: row["status"] for row in _summary(folder)}


def _until(holds, seconds: float = 60) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@pytest.mark.slow
def test_another_sweep_under_the_same_name_is_told(tmp_path: Path) -> None:
    assert sweep_jobs.run(tmp_path, "-m", NOTHING, "seed=0,1").returncode == 0
    done = sweep_jobs.run(tmp_path, "-m", NOTHING, "training.steps=3,4")
    assert "had another sweep" in done.stderr


def _row(job: int, seed: str, value: float, sampler: str = "greedy") -> SweepJob:
    metrics = [
        Metric(sampler, "loops", value, value - 0.1, value + 0.1, 9, "share"),
        Metric(HUMAN, "loops", 0.5, 0.4, 0.6, 9, "share"),
    ]
    planned = PlannedJob(f"run-{job}", ("0.1", seed))
    return SweepJob(job, planned, State(FINISHED), 1.0, 1.0, "m", "c", None, metrics)


def _sweep(rows: list[SweepJob]) -> Sweep:
    jobs = tuple(row.planned for row in rows)
    plan = Plan("name", "command", ("rate", "seed"), (), jobs)
    return Sweep(Path("nowhere"), plan, rows)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=6))
def test_a_mean_over_seeds_lies_in_its_interval(values: list[float]) -> None:
    rows = [_row(index, str(index), value) for index, value in enumerate(values)]
    (setting,) = averages.settings(_sweep(rows))
    mean = averages.average(setting.rows, "loops", "")
    assert mean is not None
    assert mean.n == len(values)
    assert mean.low <= mean.value + 1e-9
    assert mean.value <= mean.high + 1e-9
    assert abs(mean.value - sum(values) / len(values)) < 1e-9


def test_the_interval_over_seeds_is_students() -> None:
    """Of 1 and 3: mean 2, standard error 1, t(0.975, 1) = tan(0.475 pi) = 12.706."""
    rows = [_row(0, "0", 1.0), _row(1, "1", 3.0)]
    mean = averages.average(rows, "loops", "")
    assert mean is not None
    assert mean.high - mean.value == pytest.approx(12.7062, abs=1e-3)


def test_one_seed_keeps_its_own_interval() -> None:
    mean = averages.average([_row(0, "0", 1.0)], "loops", "")
    assert mean is not None
    assert (mean.low, mean.high, mean.n) == (0.9, 1.1, 1)


def test_columns_name_the_sampler_only_where_it_is_needed() -> None:
    one = [_row(0, "0", 1.0, "greedy"), _row(1, "1", 1.0, "top_k=5")]
    assert [name for _, _, name in sweep_csv.columns(one)] == ["loops", "loops[human]"]
    both = [
        SweepJob(0, one[0].planned, one[0].state, metrics=[*one[0].metrics, *one[1].metrics]),
        one[1],
    ]
    names = [name for _, _, name in sweep_csv.columns(both)]
    assert names == ["loops[greedy]", "loops[top_k=5]", "loops[human]"]


def test_samplers_are_numbers_only_in_one_family() -> None:
    assert averages.numbers(["top_k=5", "top_k=10"]) == [5, 10]
    assert averages.numbers(["top_k=5", "top_p=0.5"]) is None
    assert averages.numbers(["greedy", "top_p=0.5"]) is None
    assert averages.numbers(["temperature=0.7 top_p=0.9"]) is None
    assert averages.numbers(["0.1", "1e-3"]) == [0.1, 0.001]


def test_a_plan_survives_the_disk(tmp_path: Path) -> None:
    plan = Plan(
        "n", "c", ("a",), ("b=1",), (PlannedJob("k", ("1",)),), {"loops": "human"}, {"a": 1.0}
    )
    stored.write_plan(tmp_path, plan)
    assert stored.read_plan(tmp_path) == plan
    assert json.loads((tmp_path / stored.PLAN).read_text())["jobs"][0]["key"] == "k"


def _composer() -> Composer:
    """A composer of plain runs, inside an initialized Hydra."""
    return Composer(
        GlobalHydra.instance().config_loader(), compose("config", return_hydra_config=True)
    )


def test_keys_ignore_how_a_job_is_done_and_see_what_it_is(tmp_path: Path) -> None:
    config.register()
    overrides = sweep_jobs.overrides(tmp_path)
    with initialize_config_module("nextchar.conf", version_base="1.3"):
        composer = _composer()

        def key(*more: str) -> str:
            return composer.job([*overrides, *more]).key

        first = key("seed=0")
        assert first != key("seed=1")
        assert first == key("training.log_every=7") == key("threads=3") == key("force=true")
        # A job that pools seeds is another one, whatever their order.
        assert first != key("seeds=[0,1]") == key("seeds=[1,0]")


def test_a_text_at_home_is_known_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job's key changes with the text, however its path is written."""
    config.register()
    monkeypatch.setenv("HOME", str(tmp_path))
    overrides = sweep_jobs.overrides(tmp_path)
    with initialize_config_module("nextchar.conf", version_base="1.3"):

        def key(path: str) -> str:
            return _composer().job([*overrides, f"corpus.path='{path}'"]).key

        first = key("~/text.txt")
        assert first == key(str(tmp_path / "text.txt"))
        text = (tmp_path / "text.txt").read_text()
        (tmp_path / "text.txt").write_text(text + "more")
        assert first != key("~/text.txt") == key(str(tmp_path / "text.txt"))


def test_a_text_is_hashed_once_and_a_download_tried_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For many jobs, finished or not: none draws, reads or downloads a text of its own."""
    config.register()
    hashed, asked = [], []
    sha256 = source.hashlib.sha256
    monkeypatch.setattr(source.hashlib, "sha256", lambda *a: hashed.append(a) or sha256(*a))

    def fail(url: str, name: str) -> bytes:
        asked.append(url)
        raise download.DownloadError("nobody there")

    monkeypatch.setattr(download, "download", fail)
    overrides = sweep_jobs.overrides(tmp_path)
    gone = ["corpus=tiny_shakespeare", f"corpus.path={tmp_path / 'gone'}"]
    with initialize_config_module("nextchar.conf", version_base="1.3"):
        composer = _composer()
        keys = {composer.job([*overrides, f"seed={seed}"]).key for seed in range(5)}
        assert len(keys) == 5
        assert sum(not content.startswith(b"{") for (content,) in hashed) == 1  # of configs else
        stopped = [composer.job([*gone, "corpus.fallback=null", f"seed={s}"]) for s in range(3)]
        assert all("nobody there" in (job.error or "") for job in stopped)
        drawn = [composer.job([*gone, f"seed={seed}"]) for seed in range(3)]
        assert [job.error for job in drawn] == [None] * 3
    assert len(asked) == 2  # of two corpora: with and without a fallback


@pytest.mark.slow
def test_a_run_of_its_own_is_a_finished_job(tmp_path: Path) -> None:
    """One identity: what a plain command computed is found by a sweep."""
    assert sweep_jobs.run(tmp_path, "seed=0").returncode == 0
    work = "hydra.launcher.work=sweep_jobs:counted"
    done = sweep_jobs.run(tmp_path, "-m", work, "seed=0,1")
    assert "1 of 2 jobs were done before" in done.stderr
    assert len(sweep_jobs.computed(tmp_path)) == 1
    assert sorted(row["run"] for row in _summary(tmp_path)) == sorted(
        path.name for path in (tmp_path / "outputs" / "runs").iterdir()
    )


def test_a_job_that_leaves_no_run_has_failed(tmp_path: Path) -> None:
    """As one whose text changed between the plan and the run."""
    done = sweep_jobs.run(tmp_path, "-m", "hydra.launcher.work=sweep_jobs:leaves_nothing", "seed=0")
    assert done.returncode == 1
    (row,) = _summary(tmp_path)
    assert row["status"] == "failed"
    assert "the text or a plugin changed while the sweep was running" in row["error"]


@pytest.mark.slow
def test_force_trains_each_model_again_once_whatever_the_clock_says(tmp_path: Path) -> None:
    """By identity, not by time stamps: a model from the future is no new one."""
    grid = ("-m", "seed=0,1", "decoding.samplers=[greedy],[{top_k: 5}]", "launcher=parallel")
    assert sweep_jobs.run(tmp_path, *grid).returncode == 0
    outputs = tmp_path / "outputs"
    marks = [folder / "mark" for folder in (*outputs.glob("runs/*"), *outputs.glob("models/*"))]
    assert len(marks) == 4 + 2
    ahead = time.time() + 10**6
    for mark in marks:
        mark.touch()
        for path in mark.parent.iterdir():
            os.utime(path, (ahead, ahead))
    before = _summary(tmp_path)
    done = sweep_jobs.run(tmp_path, *grid, "force=true")
    assert done.returncode == 0, done.stderr
    assert not any(mark.exists() for mark in marks)  # each was made anew
    assert _summary(tmp_path) == before
    logs = [path.read_text() for path in (outputs / "sweeps" / "smoke" / "jobs").glob("*.log")]
    assert sum("is trained already" in log for log in logs) == 2  # and each model once


NAMED = sorted(path.stem for path in (sweep_jobs.ROOT / "conf" / "sweep").glob("*.yaml"))


@pytest.mark.parametrize("name", [name for name in NAMED if name != "grid"])
def test_every_named_sweep_is_possible(name: str) -> None:
    """One word runs it, into a folder of that name; each of its jobs is a config of its own."""
    config.register()
    with initialize_config_module("nextchar.conf", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        for more in ([], ["experiment=smoke"]):
            given_ = [f"sweep={name}", *more]
            master = loader.load_configuration("config", given_, run_mode=RunMode.MULTIRUN)
            assert master.hydra.mode == RunMode.MULTIRUN
            assert Path(master.hydra.sweep.dir).name == name
            params = [f"{key}={value}" for key, value in master.hydra.sweeper.params.items()]
            parsed = OverridesParser.create(loader).parse_overrides(params)
            composer = Composer(loader, master)
            if "search" in name:
                pytest.importorskip("optuna")
                from nextchar.sweeps import search_space

                assert all(search_space.distribution(each) for each in parsed)
                assert composer.job(given_).error is None
                continue
            (batch,) = BasicSweeper.split_arguments(parsed, None)
            made = [composer.job([*given_, *overrides]) for overrides in batch]
            assert [job.error for job in made] == [None] * len(made)
            assert len({job.key for job in made}) == len(made) >= 8


def test_composing_fast_is_composing_as_hydra_does() -> None:
    """Groups, values, lists, additions: against Hydra's own composition of the same overrides."""
    config.register()
    sets = [
        ["seed=3", "training.learning_rate=1"],
        ["experiment=smoke", "training.steps=7", "decoding.samplers=[{top_k: 5}]"],
        ["training.steps=7", "experiment=smoke"],
        ["experiment=smoke", "decoding.samplers=[{top_k: 5, top_p: 0.5}]", "seed=1"],
        ["model=labml_nn", "model.width=64", "corpus=grammar"],
        ["++training.steps=9", "name='a b'"],
        ["decoding.samplers=[{temperature: 1.0}]", "decoding.samplers.0.temperature=0.5"],
    ]
    with initialize_config_module("nextchar.conf", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        composer = Composer(loader, compose("config", return_hydra_config=True))
        for overrides in [*sets, *reversed(sets)]:
            assert composer.config(overrides) == config.resolve(compose("config", overrides))
