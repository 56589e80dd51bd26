"""The benchmarks run, in small, and print what they promise."""

from __future__ import annotations

import re
import sys

import pytest

from nextchar.benchmarks import command, rounds


def test_contestants_take_turns_and_the_first_round_is_not_counted():
    order: list[str] = []

    def contestant(name: str, seconds: list[float]) -> rounds.Contestant:
        def work() -> float:
            order.append(name)
            return seconds.pop(0)

        return work

    taken = rounds.take_turns(
        {"a": contestant("a", [9, 1, 2]), "b": contestant("b", [9, 3, 4])}, rounds=2
    )
    assert order == ["a", "b"] * 3
    assert taken == {"a": [1, 2], "b": [3, 4]}
    assert rounds.spread([3.0, 1.0, 2.0]) == "2 [1, 3]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["generation", "--rows", "8", "--characters", "2", "--rounds", "1", "--threads", "1"],
            r"no cache +\S+ \[.*\] characters/s +engine is \S+ \[.*\] times as fast",
        ),
        (
            ["choosing", "--rows", "8", "--rounds", "1", "--threads", "1"],
            r"top_n_sigma=1 +\S+ \[.*\] steps",
        ),
    ],
    ids=["generation", "choosing"],
)
def test_subcommands_print_ratios(arguments, line, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmark", *arguments])
    command.main()
    assert re.search(line, capsys.readouterr().out)
