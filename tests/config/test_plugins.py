"""Plugins: found by name and by file, part of a run's identity, and wrong in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nextchar.config import Config, ConfigError, load_plugins, load_used, run_id
from nextchar.experiment.identity import identify


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


SPEC = {"top_k": 3, "_target_": "own.Pick", "sampler": {"_target_": "deep.er.Mine"}}


def test_the_modules_that_samplers_name_are_loaded_and_hashed(folder: Path) -> None:
    (folder / "own.py").write_text("x = 1\n")
    (folder / "deep").mkdir()  # without __init__.py
    (folder / "deep" / "er.py").write_text("y = 2\n")
    installed = {"_target_": "labml_nn.sampling.top_k.TopKSampler", "k": 2}
    missing = [{"_target_": "no.thing"}, {"_target_": "sys.exit"}, {"_target_": "..x"}]
    samplers = ["greedy", {"top_p": 0.9}, SPEC, installed, *missing]
    first = load_used([], samplers)
    assert [plugin.name for plugin in first] == ["deep.er", "own"]
    assert load_used(["own"], samplers) == [first[1], first[0]], "and once where they are plugins"
    (folder / "own.py").write_text("x = 22\n")
    again = load_used([], samplers)
    assert [
        plugin.sha256 == before.sha256 for plugin, before in zip(again, first, strict=True)
    ] == [
        True,
        False,
    ]
    assert sys.modules["own"].x == 22
    (folder / "own.py").write_text("x = y\n")
    with pytest.raises(ConfigError, match=r"^decoding\.samplers: own: NameError"):
        load_used([], samplers)


def test_an_edited_sampler_is_another_run(folder: Path, compose: Callable[..., Config]) -> None:
    asked = compose("decoding.samplers=[{_target_: another.Pick}]")

    def identity() -> str:
        return identify(asked, "0" * 64, substituted=False).run

    (folder / "another.py").write_text("Pick = 1\n")
    before = identity()
    assert identity() == before
    (folder / "another.py").write_text("Pick = 2\n")
    assert identity() != before
