"""A finished run is made again from its folder, or from an archive, and compared with it."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from launching import Ended, Forked

from nextchar import results
from nextchar.config import ConfigError
from nextchar.experiment import archive
from nextchar.experiment.reproduce import again, environment, stages


@pytest.fixture
def copied(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the tiny run with all that lies around it."""
    shutil.copytree(tiny_run.parents[2], tmp_path / "copy", symlinks=True)
    return tmp_path / "copy" / "outputs" / "runs" / tiny_run.name


def reproduce(folder: Path, *arguments: str) -> Ended:
    return Forked(folder, *arguments, program="reproduce").wait()


def changed(run: Path, file: str, old: str, new: str) -> None:
    path = run / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="")


def test_a_run_is_the_same_again(tiny_run: Path, copied: Path) -> None:
    ended = reproduce(copied.parents[2], str(copied), "--output", "again")
    assert ended.code == 0, ended.err
    *compared, last = ended.out.splitlines()
    assert {line.split()[0] for line in compared} == {
        *("weights", "samples", "metrics", "differences")
    }
    assert all(line.endswith("identical") for line in compared)
    assert last == f"reproduced: {tiny_run.name}"
    made = copied.parents[2] / "again" / "runs" / tiny_run.name
    assert (made / "samples.jsonl").read_bytes() == (tiny_run / "samples.jsonl").read_bytes()
    assert reproduce(copied.parents[2], str(copied), "--output", "again").code == 2


def test_an_archive_needs_nothing_else(copied: Path, tmp_path: Path) -> None:
    ended = reproduce(copied.parents[2], str(copied), "--archive", str(tmp_path / "run.zip"))
    assert (ended.code, ended.out) == (0, f"{tmp_path / 'run.zip'}\n")
    shutil.rmtree(tmp_path / "copy")
    (tmp_path / "elsewhere").mkdir()
    ended = reproduce(tmp_path / "elsewhere", "--from-archive", str(tmp_path / "run.zip"))
    assert ended.code == 0, ended.err
    assert "reproduced: tiny" in ended.out


def test_without_its_text_the_right_one_must_be_given(copied: Path, tmp_path: Path) -> None:
    home, packed = copied.parents[2], str(tmp_path / "run.zip")
    assert reproduce(home, str(copied), "--archive", packed, "--without-text").code == 0
    (home / "play.txt").rename(tmp_path / "moved.txt")
    (tmp_path / "other.txt").write_text("another text\n" * 100)
    for arguments, said in (((), "play.txt"), (("--text", str(tmp_path / "other.txt")), "--text")):
        ended = reproduce(home, "--from-archive", packed, *arguments)
        assert ended.code == 2
        assert said in ended.err
    moved = str(tmp_path / "moved.txt")
    assert reproduce(home, "--from-archive", packed, "--text", moved).code == 0


def test_what_differs_first_is_said_and_by_how_much(copied: Path, tmp_path: Path) -> None:
    """The same results with one digit changed, as another machine might have made them."""
    other = tmp_path / "other" / "runs" / copied.name
    shutil.copytree(copied.parents[1], tmp_path / "other", symlinks=True)
    run = results.read_run(copied)
    row = run.metrics[0]
    moved = replace(row, value=row.value + 0.25)
    metrics = [moved, *run.metrics[1:]]
    results.write_metrics(other / "metrics.csv", metrics)
    changed(other, "manifest.json", run.manifest["sha256"]["metrics"], "0" * 64)
    changed(other, "manifest.json", run.manifest["packages"]["numpy"], "9.9.9")
    manifest = results.read_json(other / "manifest.json")
    made = replace(run, folder=other, metrics=metrics, manifest=manifest)
    differing = {each.name: each.difference for each in stages(run, made) if each.difference}
    assert list(differing) == ["metrics"]
    assert differing["metrics"] == (
        f"a value differs by 0.25 at most ({row.metric} of {row.sampler})"
    )
    numpy = run.manifest["packages"]["numpy"]
    assert environment(run, made) == [f"packages.numpy: {numpy}, now 9.9.9"]


def test_a_run_of_another_seed_differs_in_its_weights(copied: Path, tmp_path: Path) -> None:
    home = copied.parents[2]
    run = results.read_run(copied)
    run = replace(run, config={**run.config, "seed": 1})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        made = again(run, tmp_path / "again")
    first, *_ = stages(run, made)
    assert first.name == "weights"
    assert first.difference is not None
    assert first.difference.startswith("a weight differs by ")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("../../planted.txt", "x", "a place outside of it"),
        ("/planted.txt", "x", "a place outside of it"),
        ("runs/x/config.yaml", "x", "no archive of a run"),
    ],
)
def test_an_archive_is_not_trusted(tmp_path: Path, name: str, content: str, said: str) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as zipped:
        zipped.writestr(name, content)
    with pytest.raises(ConfigError, match=said):
        archive.unpack(tmp_path / "bad.zip", tmp_path / "inside" / "folder")
    assert not list(tmp_path.rglob("planted.txt"))
    (tmp_path / "bad.zip").write_bytes(b"no zip file")
    with pytest.raises(ConfigError, match="no archive of a run"):
        archive.unpack(tmp_path / "bad.zip", tmp_path / "inside" / "folder")


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST", 10)
    with zipfile.ZipFile(tmp_path / "large.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("runs/a/metrics.csv", "0" * 11)
    with pytest.raises(ConfigError, match="unpacks to 11 bytes; at most 10"):
        archive.unpack(tmp_path / "large.zip", tmp_path / "folder")


@pytest.mark.parametrize("code", ["plugins: [evil]", "plugins: []\nx: {_target_: os.system}"])
def test_code_is_not_taken_from_an_archive(tmp_path: Path, code: str) -> None:
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as zipped:
        zipped.writestr("archive.json", '{"run": "a"}')
        zipped.writestr("runs/a/config.yaml", code)
    with pytest.raises(ConfigError, match="runs code of its own"):
        archive.unpack(tmp_path / "code.zip", tmp_path / "folder")
