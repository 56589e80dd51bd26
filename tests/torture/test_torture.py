"""The torture in short: a few trials of each kind, which `make torture` makes by the hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from torture import __main__ as torture
from torture import trials


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return torture.tiny(tmp_path_factory.mktemp("torture") / "base")


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("kills", range(1, 2)),  # of a run
        ("mutations", range(3)),
        ("commands", range(3)),
        pytest.param("kills", range(1), marks=pytest.mark.slow),  # of a sweep
    ],
)
def test_a_few_trials(base: Path, kind: str, numbers: range) -> None:
    make, _, words = torture.KINDS[kind]
    tally = torture.repeated(kind, words, make, base, numbers, processes=1)
    assert (tally.tried, tally.failures) == (len(numbers), [])


@pytest.mark.slow
def test_an_odd_environment(base: Path) -> None:
    make, _, words = torture.KINDS["environments"]
    tally = torture.repeated("environments", words, make, base, range(3), processes=1)
    assert (tally.tried, tally.failures) == (3, [])


def test_a_failure_is_counted_and_written(base: Path) -> None:
    """What a trial says, or an assertion within it."""

    def broken(base: Path) -> trials.Trial:
        def trial(number: int) -> str:
            if number == 1:
                raise AssertionError("asserted")
            return "said" if number == 2 else ""

        return trial

    tally = torture.repeated("broken", "things", broken, base, range(4), processes=2)
    assert (tally.tried, tally.failures) == (4, ["asserted", "said"])
    assert "| things | 4 | 2 |" in torture.page({"broken": tally})
    assert "- asserted\n- said" in torture.page({"broken": tally})
