"""What people call a run: each of its names finds it, and what is not clear is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nextchar.config import ConfigError
from nextchar.results import find_folder, runs_and_sweeps
from nextchar.results.run import CONFIG

OLD, NEW, OTHER = "compare-aaa111222333", "compare-bbb111222333", "smoke-aab111222333"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    for age, folder in enumerate((f"runs/{NEW}", f"runs/{OLD}", f"runs/{OTHER}", "models/ccc")):
        (tmp_path / folder / "plots").mkdir(parents=True)
        (tmp_path / folder / CONFIG).touch()
        for each in (tmp_path / folder).iterdir():
            os.utime(each, (1e9 - age, 1e9 - age))
    (tmp_path / "sweeps" / "rates").mkdir(parents=True)
    (tmp_path / "sweeps" / "rates" / "sweep.json").touch()
    (tmp_path / "runs" / OLD / "report.html").touch()
    os.utime(tmp_path / "runs" / OLD / "report.html", (1e9 - 1, 1e9 - 1))
    (tmp_path / "latest").symlink_to(f"runs/{OTHER}")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (NEW, NEW),
        ("compare", NEW),
        ("compare-a", OLD),
        ("bbb", NEW),
        ("sm", OTHER),
        ("rates", "rates"),
        ("cc", "ccc"),
    ],
)
def test_a_name_finds_its_folder(outputs: Path, name: str, found: str) -> None:
    assert find_folder(name, outputs).name == found


@pytest.mark.parametrize("path", [f"runs/{OLD}", f"runs/{OLD}/report.html", f"runs/{OLD}/plots"])
def test_a_path_finds_the_folder_around_it(outputs: Path, path: str) -> None:
    assert find_folder(outputs / path, outputs) == outputs.resolve() / "runs" / OLD
    assert find_folder(outputs / "latest", outputs).name == OTHER


@pytest.mark.parametrize(("name", "said"), [("aa", f"may be {OLD}, {OTHER}"), ("x", "no run")])
def test_what_is_not_clear_is_one_line(outputs: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        find_folder(name, outputs)
    assert "\n" not in str(raised.value)


def test_the_newest_comes_first(outputs: Path) -> None:
    assert [each.name for each in runs_and_sweeps(outputs)] == ["rates", NEW, OLD, OTHER]
