"""What all tests share: isolation from the repository's folders, configs, and one tiny run."""

from __future__ import annotations

import gc
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hypothesis import settings
from launching import TINY, Ended, real

from nextchar import cli, config
from nextchar.config import Config

# The same examples each time: a red test is red for everyone.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


# Shells start what runs in the background without Ctrl-C; the programs under test must have it.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: later searches for garbage leave it out."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads the repository's data/ or writes its outputs/."""
    with pytest.MonkeyPatch.context() as patch:
        # Programs that tests start would compile the library each time.
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("NEXTCHAR_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setenv("NEXTCHAR_OUTPUTS", str(tmp_path_factory.mktemp("outputs")))
        yield


@pytest.fixture(scope="session")
def compose(isolated: None) -> Callable[..., Config]:
    """`compose(*overrides)`: the validated Config that the command line would make."""

    config.register()
    cli._register_plugins()

    def composed(*overrides: str) -> Config:
        GlobalHydra.instance().clear()
        with hydra.initialize_config_module("nextchar.conf", version_base="1.3"):
            return config.resolve(hydra.compose("config", overrides=list(overrides)))

    return composed


@pytest.fixture(scope="session")
def play() -> str:
    """A few thousand characters in the shape of a play."""
    words = [
        "the",
        "a",
        "king",
        "queen",
        "speaks",
        "of",
        "love",
        "and",
        "war",
        "to",
        "his",
        "men",
        "who",
        "run",
        "by",
        "night",
        "over",
        "hills",
    ]
    dice = random.Random(0)
    speeches = []
    for _ in range(40):
        verses = [" ".join(dice.choices(words, k=6)) for _ in range(3)]
        speeches.append("\n".join([f"{dice.choice(['ANN', 'BEN'])}:", *verses]) + "\n\n")
    return "".join(speeches)


@pytest.fixture
def folder(tmp_path: Path, play: str) -> Path:
    """An empty working folder with nothing but play.txt."""
    (tmp_path / "play.txt").write_text(play, encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory, play: str) -> Path:
    """The working folder of the one tiny run."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "play.txt").write_text(play, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def first(tiny_folder: Path) -> Ended:
    """How the one tiny run ended: a real start, once a session."""
    ended = real(tiny_folder, "run", *TINY)
    assert ended.code == 0, ended.err
    return ended


@pytest.fixture(scope="session")
def tiny_run(first: Ended, tiny_folder: Path) -> Path:
    """The folder of the one tiny run, finished; outputs/ is two folders up. Not to be changed."""
    return (tiny_folder / "outputs" / "latest").resolve()
