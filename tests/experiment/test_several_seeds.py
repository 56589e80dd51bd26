"""`seeds=[0,1]`: a run for each seed, pooled into one, whole again after a stop."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from launching import TINY, Ended, Forked, run, tiny
from torture.mutations import mutate

from nextchar import config, results
from nextchar.config import Config, ConfigError
from nextchar.experiment.identity import identify
from nextchar.experiment.pool_seeds import pool
from nextchar.results import HUMAN, Run, read_run
from nextchar.sweeps import transfer

Compose = Callable[..., Config]
SEEDS = "seeds=[1,0]"
LONG = (*TINY, "training.steps=120", "training.checkpoint_every=5", "decoding.length=96", SEEDS)
"""Long enough to be stopped in the second seed."""
FILES = (results.METRICS, results.DIFFERENCES, results.SAMPLES)


@pytest.fixture(scope="module")
def pooled_folder(tmp_path_factory: pytest.TempPathFactory, play: str) -> Path:
    """The working folder of a pooled run that nothing stopped."""
    folder = tmp_path_factory.mktemp("pooled")
    (folder / "play.txt").write_text(play, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def ended(pooled_folder: Path) -> Ended:
    return tiny(pooled_folder, SEEDS)


@pytest.fixture(scope="module")
def pooled_run(ended: Ended, pooled_folder: Path) -> Run:
    return read_run(latest(pooled_folder))


@pytest.fixture
def copied(pooled_run: Run, pooled_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pooled_folder, tmp_path, symlinks=True, dirs_exist_ok=True))


def latest(folder: Path) -> Path:
    return (folder / "outputs" / "latest").resolve()


def parts(pooled: Run) -> list[Run]:
    """The runs of the seeds."""
    return [read_run(pooled.folder.parent / part["run"]) for part in pooled.manifest["runs"]]


def written(folder: Path) -> dict[str, int]:
    """When each file was written, the link to the newest run aside."""
    return {
        str(path.relative_to(folder)): path.lstat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and "latest" not in path.parts
    }


def test_one_command_leaves_a_run_a_seed_and_one_that_pools_them(pooled_run: Run) -> None:
    assert len([path for path in pooled_run.folder.parent.iterdir() if path.is_dir()]) == 3
    assert [part.config["seed"] for part in parts(pooled_run)] == [0, 1]
    assert [part.config["seeds"] for part in parts(pooled_run)] == [None, None]
    alone = {path.name for path in parts(pooled_run)[0].folder.iterdir()}
    assert {path.name for path in pooled_run.folder.iterdir()} == alone - {results.SUMS}
    (logged,) = (pooled_run.folder / results.LABML).iterdir()
    assert (logged / "sqlite.db").is_file()


def test_the_manifest_names_what_was_pooled(pooled_run: Run) -> None:
    facts = pooled_run.manifest
    for named, part in zip(facts["runs"], parts(pooled_run), strict=True):
        assert named["run_id"] == part.manifest["run_id"]
        assert named["model_id"] == part.manifest["model_id"]
        assert {"weights", "metrics", "samples"} <= set(named["sha256"])
        assert named["sha256"] == part.manifest["sha256"]
    assert facts["seeds"]["seed"] == pooled_run.seeds == [0, 1]
    losses = [part.manifest["model"]["validation_loss"] for part in parts(pooled_run)]
    assert facts["model"]["validation_loss"] == pytest.approx(sum(losses) / 2)
    assert facts["model"]["validation_loss_deviation"] == pytest.approx(
        abs(losses[0] - losses[1]) / 2**0.5
    )


def test_its_seed_is_the_run_of_that_seed_alone(pooled_run: Run, tiny_run: Path) -> None:
    """tiny_run was made by a command without seeds: the same identity, the same bytes."""
    first = parts(pooled_run)[0].folder
    assert first.name == tiny_run.name
    for name in FILES:
        assert (first / name).read_bytes() == (tiny_run / name).read_bytes()


def test_figures_are_those_of_pooling(pooled_run: Run) -> None:
    found = pool([part.folder for part in parts(pooled_run)])
    for name in ("metrics", "differences", "families", "truncation", "possible"):
        assert [*map(repr, getattr(pooled_run, name))] == [*map(repr, getattr(found, name))]
    first = parts(pooled_run)[0]
    assert pooled_run.samples == first.samples


def test_intervals_hold_for_training_again(pooled_run: Run) -> None:
    """Wider than a single run's wherever the two seeds disagree; human text is no wider for it."""
    checked = 0
    for row in pooled_run.metrics:
        own = [each for part in parts(pooled_run) if (each := part.value(row.sampler, row.metric))]
        assert own, row
        if len(own) < 2:
            continue  # too few words with one seed for 4-grams of them
        if own[0].value != own[1].value:
            checked += 1
            assert row.high - row.low > max(each.high - each.low for each in own), row
    assert checked > 10
    words = pooled_run.value(HUMAN, "distinct_1")
    alone = parts(pooled_run)[0].value(HUMAN, "distinct_1")
    assert words is not None
    assert alone is not None
    assert words.value == alone.value
    assert words.high - words.low < 4 * (alone.high - alone.low)


def test_table_and_page_say_what_intervals_are_about(ended: Ended, pooled_run: Run) -> None:
    said = "Pooled over seeds 0, 1: the intervals are over seeds and prompts"
    loss = re.compile(r"Validation loss \d\.\d{3} ± \d\.\d{3} \(mean ± SD\)")
    page = (pooled_run.folder / results.REPORT).read_text(encoding="utf-8")
    for text in (ended.out, page):
        assert said in text
        assert loss.search(text)
    for part in parts(pooled_run):
        assert f'href="../{part.folder.name}/report.html"' in page
    assert "The model is that of seed 0" in page
    assert "Pooled over" not in (parts(pooled_run)[0].folder / results.REPORT).read_text()


def test_a_repeat_computes_nothing(copied: Path, ended: Ended) -> None:
    before = written(copied)
    again = tiny(copied, "seeds=[0,1]")
    assert again.out == ended.out
    (line,) = again.lines
    assert line.startswith("finished on ")
    assert written(copied) == before


def test_one_seed_more_reuses_the_others(copied: Path) -> None:
    before = written(copied)
    again = tiny(copied, "seeds=[0,1,2]")
    assert {name: written(copied)[name] for name in before} == before
    assert again.err.count("finished on ") == 2
    assert again.err.count("training  12/12") == 1
    assert read_run(latest(copied)).seeds == [0, 1, 2]


def test_force_computes_the_same_again(copied: Path, pooled_run: Run) -> None:
    before = written(copied)
    again = tiny(copied, SEEDS, "force=true")
    assert again.err.count("training  12/12") == 2
    after = written(copied)
    name = latest(copied).name
    assert after[f"outputs/runs/{name}/metrics.csv"] != before[f"outputs/runs/{name}/metrics.csv"]
    for file in FILES:
        assert (latest(copied) / file).read_bytes() == (pooled_run.folder / file).read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, play: str) -> Run:
    """A LONG run that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "play.txt").write_text(play, encoding="utf-8")
    ended = run(folder, *LONG)
    assert ended.code == 0, ended.err
    return read_run(latest(folder))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_in_the_second_seed(folder: Path, whole: Run, how: signal.Signals) -> None:
    models = folder / "outputs" / "models"
    running = Forked(folder, *LONG)
    running.send(how, lambda: len([each for each in models.glob("*") if each.is_dir()]) == 2)
    stopped = running.wait()
    assert stopped.code == (130 if how == signal.SIGINT else -how)
    (done,) = (folder / "outputs" / "runs").glob("*/DONE")
    assert done.parent.name == parts(whole)[0].folder.name
    kept = written(done.parent)
    again = run(folder, *LONG)
    assert again.code == 0, again.err
    assert again.err.count("finished on ") == 1, "the first seed was done"
    assert written(done.parent) == kept
    assert latest(folder).name == whole.folder.name
    for name in FILES:
        assert (latest(folder) / name).read_bytes() == (whole.folder / name).read_bytes()


@pytest.mark.parametrize(
    "wrong", ["seeds=[0]", "seeds=[]", "seeds=[0,0]", "seeds=[-1,2]", "seeds=[0,4294967296]"]
)
def test_seeds_that_cannot_be_pooled_are_one_line(folder: Path, wrong: str) -> None:
    ended = run(folder, *TINY, wrong)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.lines
    assert line.startswith(f"nextchar: {wrong.replace(',', ', ')}: must ")
    assert [path.name for path in folder.iterdir()] == ["play.txt"]


def test_seed_and_seeds_exclude_each_other(compose: Compose) -> None:
    with pytest.raises(ConfigError, match=r"seed=3: seeds=\[0, 1\] takes its place"):
        compose("seeds=[0,1]", "seed=3")


def test_a_damaged_seed_is_made_again(copied: Path, pooled_run: Run) -> None:
    """Before it is pooled: it is named, and what is pooled is the same."""
    sums = copied / "outputs" / "runs" / parts(pooled_run)[1].folder.name / results.SUMS
    shutil.rmtree(copied / "outputs" / "runs" / pooled_run.folder.name)
    mutate(sums, "flip", seed=0)
    with pytest.raises(ConfigError, match=results.SUMS):
        pool([sums.parent])
    ended = run(copied, *TINY, SEEDS)
    assert ended.code == 0, ended.err
    assert len([line for line in ended.lines if results.SUMS in line]) == 1
    for file in FILES:
        assert (latest(copied) / file).read_bytes() == (pooled_run.folder / file).read_bytes()


def test_a_damaged_table_of_a_seed_is_not_shown(copied: Path, pooled_run: Run) -> None:
    """The page of the pooled run shows the values of each seed."""
    part = copied / "outputs" / "runs" / parts(pooled_run)[1].folder.name
    pooled = copied / "outputs" / "runs" / pooled_run.folder.name
    mutate(part / results.METRICS, "digit", seed=0)
    assert [each.path for each in results.damage(pooled)] == [part / results.METRICS]
    with pytest.raises(ConfigError, match=results.METRICS):
        results.read_run(pooled)
    shutil.rmtree(part)
    assert results.read_run(pooled).by_seed.keys() == {0}


def test_identities(compose: Compose) -> None:
    one, other = compose("seeds=[0,1]"), compose("seeds=[1,0]")
    assert [part.seed for part in one.parts] == [part.seed for part in other.parts] == [0, 1]
    identities = [identify(each, "text", substituted=False) for each in (one, other)]
    assert identities[0] == identities[1]
    assert identify(compose("seed=0"), "text", substituted=False) != identities[0]
    assert len(set(identities[0].models)) == len(set(identities[0].parts)) == 2
    assert config.pooled_id(["a", "b"]) != config.pooled_id(["a", "c"])
    assert compose().parts == [compose()]


def test_it_travels_with_what_it_rests_on(
    pooled_run: Run, compose: Compose, tmp_path: Path
) -> None:
    outputs = pooled_run.folder.parents[1]
    packed = transfer.pack(outputs, pooled_run.folder.name, tmp_path / "none.log")
    home = tmp_path / "home"
    asked = compose(*TINY, SEEDS, f"paths.outputs={home}")
    transfer.unpack(packed, asked, home / "job.log")
    arrived = read_run(home / "runs" / pooled_run.folder.name)
    assert [*map(repr, arrived.metrics)] == [*map(repr, pooled_run.metrics)]
    assert arrived.trainings == pooled_run.trainings
    assert [part.config["seed"] for part in parts(arrived)] == [0, 1]
    assert arrived.config["seeds"] == [1, 0]


@pytest.mark.slow
def test_a_sweep_of_pooled_runs(copied: Path, pooled_run: Run) -> None:
    ended = run(copied, *TINY, "-m", SEEDS, "decoding.length=16,17")
    assert ended.code == 0, ended.err
    summary = (latest(copied) / "summary.csv").read_text(encoding="utf-8")
    assert pooled_run.folder.name in summary
    models = " ".join(part["model_id"] for part in pooled_run.manifest["runs"])
    assert summary.count(models) == 2
