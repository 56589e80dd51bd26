"""The benchmarks run, in small, and print what they promise."""

from __future__ import annotations

import re
import sys
import time

import pytest
import torch
from studies.benchmarks import batches, command, performance, rounds, subject

from nextchar import results
from nextchar.runtime.timing import Stopwatch


def test_contestants_take_turns_and_the_first_round_is_not_counted():
    order: list[str] = []

    def contestant(name: str, seconds: list[float]) -> rounds.Contestant:
        def work() -> float:
            order.append(name)
            return seconds.pop(0)

        return work

    taken = rounds.alternate(
        {"a": contestant("a", [9, 1, 2]), "b": contestant("b", [9, 3, 4])}, rounds=2
    )
    assert order == ["a", "b"] * 3
    assert taken == {"a": [1, 2], "b": [3, 4]}
    assert rounds.spread([3.0, 1.0, 2.0]) == "2 [1, 3]"


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "x", "", "nan", "1e3", "1000001"])
def test_a_number_out_of_bounds_is_one_line(given, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmark", "choosing", f"--rounds={given}"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    assert "must be a whole number from 1 to 1,000,000" in capsys.readouterr().err


def test_a_stopwatch_adds_up_what_a_part_takes_in_its_order():
    clock = Stopwatch()
    for name in ("b", "a", "b"):
        with clock.part(name):
            time.sleep(0.01)
    assert list(clock.parts) == ["b", "a"]
    assert clock.parts["b"]["seconds"] >= 0.02 > clock.parts["b"]["processor_seconds"]


def test_the_bound_counts_weights_and_cache():
    model = subject.transformer()
    weights = 4 * sum(weight.numel() for weight in model.parameters())
    _, cache = model.prefill(torch.zeros(3, 200, dtype=torch.long))
    held = sum(4 * (layer.keys.numel() + layer.values.numel()) for layer in cache.layers)
    assert batches.bytes_read(model, 3) == weights + held


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["generation", "--rows", "8", "--characters", "2", "--rounds", "1", "--threads", "1"],
            r"no cache +\S+ \[.*\] characters/s +engine is \S+ \[.*\] times as fast",
        ),
        (
            [
                "generation",
                "--batches",
                "1",
                "3",
                "--characters",
                "2",
                "--rounds",
                "1",
                "--threads",
                "1",
            ],
            r"batch +3 +\S+ \[.*\] characters/s +bound [\d,]+ +share of it \S+ \[.*\]",
        ),
        (
            ["choosing", "--rows", "8", "--rounds", "1", "--threads", "1"],
            r"top_n_sigma=1 +\S+ \[.*\] steps",
        ),
        (
            ["metrics", "--prompts", "3", "--samples", "1", "--length", "32", "--steps", "2"],
            r"(?s)16 settings x 3 prompts x 1 texts x 32 characters.*frontier +[\d.]+ s .*"
            r"all +[\d.]+ s +[\d.]+ s of the processor\npeak memory [\d.]+ GB",
        ),
    ],
    ids=["generation", "batches", "choosing", "metrics"],
)
def test_subcommands_print_ratios(arguments, line, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmark", *arguments])
    command.main()
    assert re.search(line, capsys.readouterr().out)


@pytest.mark.slow
def test_all_figures_of_the_page_are_measured(monkeypatch, capsys, tmp_path):
    """With the recipe smoke in the default's place; the page itself is left alone."""
    arguments = ["all", "--rounds", "1", "--recipe", "smoke", "--output", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["benchmark", *arguments])
    command.main()
    printed = capsys.readouterr().out
    timings = results.read_rows(performance.Timing, tmp_path / performance.CSV)
    assert {each.section for each in timings} == {
        "Commands",
        "Logging",
        "Engine",
        "Growth",
        "Machine",
    }
    assert all(each.what in printed for each in timings)
    assert all(each.value > 0 for each in timings if each.unit != "exponent")
    text = performance.page(timings, threads=1)
    assert text.count("| ---: |") >= 5
    assert "commit" in text
