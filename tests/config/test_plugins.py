"""Plugins: found by name and by file, part of a run's identity, and wrong in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nextchar.config import Config, ConfigError, load_plugins, run_id


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_module_of_the_current_folder_and_a_file_are_found(folder: Path) -> None:
    (folder / "plugin_by_name.py").write_text("x = 1\n")
    (folder / "deep").mkdir()
    (folder / "deep" / "file.py").write_text("y = 2\n")
    by_name, by_file = load_plugins(["plugin_by_name", "deep/file.py"])
    assert Path(by_name.path) == folder / "plugin_by_name.py"
    assert Path(by_file.path) == folder / "deep" / "file.py"
    assert sys.modules["plugin_by_name"].x == 1
    assert str(folder) not in sys.path


def test_an_edited_plugin_is_imported_again_and_has_another_hash(folder: Path) -> None:
    file = folder / "edited_plugin.py"
    file.write_text("x = 1\n")
    (first,) = load_plugins(["edited_plugin"])
    assert load_plugins(["edited_plugin"]) == [first]
    file.write_text("x = 'other'\n")
    (second,) = load_plugins(["edited_plugin"])
    assert second.sha256 != first.sha256
    assert sys.modules["edited_plugin"].x == "other"


def test_a_package_is_known_by_all_its_files(folder: Path) -> None:
    package = folder / "plugin_package"
    package.mkdir()
    (package / "__init__.py").write_text("from plugin_package.part import x\n")
    (package / "part.py").write_text("x = 1\n")
    (first,) = load_plugins(["plugin_package"])
    (package / "part.py").write_text("x = 22\n")
    (second,) = load_plugins(["plugin_package"])
    assert first.sha256 != second.sha256
    assert sys.modules["plugin_package"].x == 22


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x = y\n", "NameError: name 'y' is not defined"),
        ("\n\ndef f(:\n", "line 3"),
        ("import nothing_by_this_name\n", "nothing_by_this_name"),
        ("raise RuntimeError('two\\nlines')\n", "RuntimeError: two lines"),
    ],
)
def test_a_plugin_that_fails_is_one_line(folder: Path, content: str, said: str) -> None:
    (folder / "broken_plugin.py").write_text(content)
    with pytest.raises(ConfigError, match=r"plugins: \./broken_plugin\.py: ") as raised:
        load_plugins(["./broken_plugin.py"])
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["no_module_is_called_so", "no/file.py", "..relative", ""])
def test_a_plugin_that_is_not_there_is_one_line(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="plugins: "):
        load_plugins([name])


def test_a_plugin_is_part_of_the_identity(folder: Path, compose: Callable[..., Config]) -> None:
    (folder / "identity_plugin.py").write_text("x = 1\n")
    config = compose("plugins=[identity_plugin]")
    plugins = load_plugins(config.plugins)
    without = run_id(config, "model", fallback=False)
    assert run_id(config, "model", fallback=False, plugins=plugins) != without
