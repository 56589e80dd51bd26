"""A damaged file is never used: what was made of it is made again to the byte, or one line says it.

The files of a finished run, of its model, of a stopped training and of sweeps are changed one at a
time, each in several ways (mutations.py), and the same command is repeated.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from itertools import cycle
from pathlib import Path

import pytest
from launching import TINY, Forked, run

import nextchar
from nextchar import results
from nextchar.config import ConfigError
from nextchar.results.state import state_of
from nextchar.runtime import checked
from nextchar.training import trainer
from torture import trials
from torture.mutations import MUTATIONS, mutate
from torture.trials import LONG, OF_TRAINING
from torture.verdict import contents, wrong

SAME = (results.METRICS, results.SAMPLES, results.DIFFERENCES, results.SUMS, "*.safetensors")
"""What has no times in it, so that making it again gives the same bytes."""
OF_RUN = (
    results.METRICS,
    results.SAMPLES,
    results.DONE,
    results.CONFIG,
    results.MANIFEST,
    results.TIMINGS,
    results.DEFINITIONS,
    results.DIFFERENCES,
    results.SUMS,
    results.REPORT,
)
OF_MODEL = (trainer.LAST, results.TRAINING, results.DONE, trainer.BEST, results.MODEL)


def each_way(names: tuple[str, ...], quick: int) -> list[object]:
    """Every file in every way; all but one way of the first `quick` files are slow together."""
    now = set(zip(names[:quick], cycle(MUTATIONS), strict=False))
    return [
        pytest.param(name, how, marks=() if (name, how) in now else pytest.mark.slow)
        for name in names
        for how in MUTATIONS
    ]


@pytest.fixture
def copied(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the working folder of the tiny run."""
    return Path(
        shutil.copytree(tiny_run.parents[2], tmp_path / "here", symlinks=True, dirs_exist_ok=True)
    )


def only(folder: Path, kind: str) -> Path:
    (found,) = (path for path in (folder / "outputs" / kind).iterdir() if path.is_dir())
    return found


@pytest.mark.parametrize("how", MUTATIONS)
def test_no_damaged_file_is_read(copied: Path, how: str) -> None:
    tiny = only(copied, "runs")
    for name in OF_RUN:
        content = (tiny / name).read_bytes()
        for seed in range(10):
            mutate(tiny / name, how, seed)
            expected = "no finished run there" if (name, how) == (results.DONE, "gone") else name
            with pytest.raises(ConfigError, match=expected) as raised:
                nextchar.read_run(tiny)
            assert "\n" not in str(raised.value)
            (tiny / name).write_bytes(content)
    assert nextchar.read_run(tiny).folder == tiny


@pytest.mark.parametrize("how", ["digit", "gone"])
def test_no_damaged_page_is_opened(copied: Path, how: str) -> None:
    mutate(only(copied, "runs") / results.REPORT, how, seed=0)
    viewed = Forked(copied, str(only(copied, "runs")), program="view").wait()
    assert (viewed.code, viewed.out) == (2, "")
    (line,) = viewed.lines
    assert "report.html: " in line
    assert line.endswith(f"; repeat the command that made it, or delete {only(copied, 'runs')}")


def test_a_damaged_run_is_listed_as_such(copied: Path) -> None:
    mutate(only(copied, "runs") / results.MANIFEST, "cut", seed=0)
    listed = Forked(copied, "--list", program="view").wait()
    assert (listed.code, listed.err) == (0, "")
    assert "damaged: manifest.json is not what was written" in listed.out


@pytest.mark.parametrize(("name", "how"), each_way(OF_RUN, quick=4))
def test_a_file_of_a_run(copied: Path, name: str, how: str) -> None:
    before = contents(copied, SAME)
    damaged = only(copied, "runs") / name
    mutate(damaged, how, seed=0)
    ended = run(copied, *TINY)
    if (name, how) == (results.DONE, "gone"):  # an unfinished run, which nothing tells from others
        assert ended.code == 0
        assert contents(copied, SAME) == before
    else:
        assert not wrong(ended, damaged, before, contents(copied, SAME)), ended.err
    assert results.damage(damaged.parent) == []


@pytest.mark.parametrize(("name", "how"), each_way(OF_MODEL, quick=3))
def test_a_file_of_a_model(copied: Path, name: str, how: str) -> None:
    """A new comparison needs it."""
    before = contents(copied, SAME)
    shutil.rmtree(copied / "outputs" / "runs")
    damaged = only(copied, "models") / name
    mutate(damaged, how, seed=0)
    ended = run(copied, *TINY)
    assert ended.code == 0, ended.err
    if (name, how) == (results.DONE, "gone"):  # an unfinished one: nothing says how far it is
        damaged = damaged.with_name(results.HISTORY)
    assert not wrong(ended, damaged, before, contents(copied, SAME)), ended.err
    assert checked.damage(only(copied, "models")) == []


@pytest.mark.parametrize("how", ["digit", "gone"])
def test_the_records_of_a_shown_run(copied: Path, how: str) -> None:
    """They lie with its model, and its page shows them."""
    before = contents(copied, SAME)
    damaged = only(copied, "models") / results.TRAINING
    mutate(damaged, how, seed=0)
    with pytest.raises(ConfigError, match=results.TRAINING):
        nextchar.read_run(only(copied, "runs"))
    assert not wrong(run(copied, *TINY), damaged, before, contents(copied, SAME))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, play: str) -> Path:
    """The working folder of a training that was killed."""
    folder = tmp_path_factory.mktemp("stopped")
    (folder / "play.txt").write_text(play, encoding="utf-8")
    return trials.stopped(folder)


@pytest.mark.parametrize("how", MUTATIONS)
def test_how_far_a_stopped_run_is(stopped: Path, tmp_path: Path, how: str) -> None:
    """Whatever lies there: the step of its checkpoint, or none, or the file that is damaged."""
    shutil.copytree(stopped, tmp_path / "here", symlinks=True)
    own, model = only(tmp_path / "here", "runs"), only(tmp_path / "here", "models")
    before = state_of(own)
    assert re.fullmatch(r"stopped at step \d+ of 120", before)
    started = "stopped at step 0 of 120"
    for path in [*own.iterdir(), *model.iterdir()]:
        if path.is_dir() or path.stat().st_size == 0:
            continue
        content = path.read_bytes()
        for seed in range(20):
            mutate(path, how, seed)
            told = state_of(own)
            named = f"stopped, and {path.name} is "
            if path.name == results.HISTORY:
                assert told == started if how == "gone" else told.startswith(named)
            elif path.name == results.CONFIG:  # the run's and the model's are no longer the same
                assert told == "stopped" or told.startswith(named)
            else:
                assert told == before
            path.write_bytes(content)


@pytest.mark.parametrize("how", ["empty", "pointer"])
def test_a_stopped_run_is_told_in_one_line(stopped: Path, tmp_path: Path, how: str) -> None:
    shutil.copytree(stopped, tmp_path / "here", symlinks=True)
    own = only(tmp_path / "here", "runs")
    mutate(own / results.CONFIG, how, seed=3)
    listed = Forked(tmp_path / "here", "--list", program="view").wait()
    assert (listed.code, listed.err) == (0, "")
    assert listed.out.startswith(f"{own.name}  stopped, and config.yaml is not what was written")
    for program, named in (("view", own.name), ("run", f"--from={own.name}")):
        refused = Forked(tmp_path / "here", named, program=program).wait()
        assert (refused.code, refused.out) == (2, "")
        (line,) = refused.lines
        assert "config.yaml" in line


@pytest.fixture(scope="module")
def whole(stopped: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What comes out where nothing is damaged."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(stopped, folder, dirs_exist_ok=True)
    ended = run(folder, *LONG)
    assert ended.code == 0, ended.err
    assert not ended.err.startswith("training  0/"), "it went on"
    return contents(folder, SAME)


@pytest.mark.parametrize(("name", "how"), each_way(OF_TRAINING, quick=2))
def test_a_stopped_training(
    stopped: Path, whole: dict[str, bytes], tmp_path: Path, name: str, how: str
) -> None:
    shutil.copytree(stopped, tmp_path / "here")
    damaged = only(tmp_path / "here", "models") / name
    mutate(damaged, how, seed=0)
    ended = run(tmp_path / "here", *LONG)
    if (name, how) == (trainer.LAST, "gone"):  # no checkpoint: it starts, as if for the first time
        assert contents(tmp_path / "here", SAME) == whole
    else:
        assert not wrong(ended, damaged, whole, contents(tmp_path / "here", SAME)), ended.err


def test_results_of_an_older_version_are_made_again(copied: Path) -> None:
    """Its DONE held a time, its checkpoints no sha256."""
    before = contents(copied, SAME)
    damaged = only(copied, "runs") / results.DONE
    damaged.write_text("2026-01-01T00:00:00+00:00\n")
    ended = run(copied, *TINY)
    assert not wrong(ended, damaged, before, contents(copied, SAME)), ended.err
    assert "of an older version" in ended.err


def test_a_planted_table_is_not_shown(copied: Path) -> None:
    planted = only(copied, "runs") / results.FAMILIES
    planted.write_text("kind\n")
    with pytest.raises(ConfigError, match="not one of the files"):
        nextchar.read_run(planted.parent)
    planted.with_name("notes.txt").write_text("the user's own")
    assert run(copied, *TINY).code == 0
    assert not planted.exists()


def test_only_the_page_is_drawn_again(copied: Path) -> None:
    """From the figures on disk: nothing is trained or generated for it."""
    tiny = only(copied, "runs")
    times = {path.name: path.stat().st_mtime_ns for path in tiny.iterdir() if path.is_file()}
    before = (tiny / results.REPORT).read_bytes()
    mutate(tiny / results.REPORT, "flip", seed=0)
    ended = run(copied, *TINY)
    assert ended.code == 0
    assert len(ended.lines) == 1
    assert "report.html: not what was written (damaged or edited); made again" in ended.err
    left = {path.name: path.stat().st_mtime_ns for path in tiny.iterdir() if path.is_file()}
    changed = {name for name in times if times[name] != left[name]}
    assert changed == {results.REPORT, results.DONE}
    # Forked programs draw no figures, so that this page has none.
    assert before[:100] == (tiny / results.REPORT).read_bytes()[:100]


def test_sha256sum_reads_done(copied: Path) -> None:
    lines = (only(copied, "runs") / results.DONE).read_text().splitlines()
    assert lines[-1].startswith("# ")
    assert {line.partition("  ")[2].partition("/")[0] for line in lines[:-1]} >= {*OF_RUN} - {
        results.DONE
    }
    assert not any(results.LABML in line for line in lines), "its logs are not read back"


@pytest.mark.parametrize("how", MUTATIONS)
@pytest.mark.parametrize("seed", range(20))
def test_json_with_its_own_sha256(tmp_path: Path, how: str, seed: int) -> None:
    path = tmp_path / "state.json"
    value = {"loss": 0.1 + 0.2, "none": None, "ü": ["\u2028", float("inf")], "deep": {"a": []}}
    checked.write_json(path, value)
    assert checked.read_json(path) == value
    assert json.loads(path.read_text(encoding="utf-8"))["deep"] == {"a": []}
    mutate(path, how, seed)
    with pytest.raises(checked.DamagedError, match=r"state\.json: (missing|not what was written)"):
        checked.read_json(path)


def test_a_file_is_hashed_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    checked.seal(tmp_path)
    hashed = checked._sha256_of.cache_info().misses
    for _ in range(3):
        checked.check(tmp_path)
    assert checked._sha256_of.cache_info().misses == hashed
    time.sleep(0.02)  # a later time stamp
    (tmp_path / "a").write_text("b")
    with pytest.raises(checked.DamagedError, match="a: not what was written"):
        checked.check(tmp_path)
