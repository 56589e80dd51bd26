"""Findings: the commands print the figures, and a sentence falls with them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from example_run import SAMPLERS, example_run
from studies.findings.finding import Finding, Study, UnsupportedClaimError, interval, render, shown

from nextchar import results
from nextchar.results import HUMAN_TRAINING, Difference, FamilyFigure, Metric, Truncation


@pytest.fixture
def study(tmp_path: Path) -> Study:
    run = example_run(tmp_path, SAMPLERS[:3])
    extra = Metric(HUMAN_TRAINING, "loops", 0.25, 0.0, 0.5, 4, "share")
    run = replace(
        run,
        metrics=[*run.metrics, extra],
        differences=[Difference("loops", "greedy", "temperature=0.7", 1, 0, 2, *[0.5] * 6)],
        truncation=[Truncation("top_p", 0.95, *[0.125] * 9)],
        families=[FamilyFigure("best", "loops", "top_k", "top_k=3", *[0.5] * 8)],
    )
    results.write_metrics(tmp_path / results.METRICS, run.metrics)
    results.write_rows(tmp_path / results.DIFFERENCES, Difference, run.differences)
    results.write_rows(tmp_path / results.TRUNCATION, Truncation, run.truncation)
    results.write_rows(tmp_path / results.FAMILIES, FamilyFigure, run.families)
    return Study(run)


def printed(command: str) -> list[str]:
    out = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    return out.stdout.splitlines()


def test_the_commands_print_what_was_looked_up_and_nothing_else(study: Study) -> None:
    study.metric("temperature=0.7", "loops")
    study.metric(HUMAN_TRAINING, "loops")
    assert study.difference("loops", "temperature=0.7", "greedy").first == "greedy"
    study.cut("top_p", 0.95)
    study.family("best", "loops", "top_k")
    commands = study.commands()
    rows = [row for command in commands for row in printed(command)]
    starts = ["temperature=0.7,loops,", "human (training),loops,", "loops,greedy,temperature=0.7,"]
    starts += ["top_p,0.95,", "best,loops,top_k,"]
    assert len(rows) == len(starts)
    assert all(row.startswith(start) for row, start in zip(rows, starts, strict=True))
    assert study.commands() == ()


def test_what_is_not_there_is_said(study: Study) -> None:
    with pytest.raises(KeyError, match="no nonsense of greedy"):
        study.metric("greedy", "nonsense")
    assert study.family("equal bits", "loops", "top_k") is None


def test_a_sentence_that_does_not_hold_stops_the_page() -> None:
    good, bad = Finding("Good.", ("true",), True), Finding("Bad.", ("false",), False)
    page = render("T", [("P", "run", [good])])
    assert "- Good.\n\n  ```sh\n  true\n  ```" in page
    with pytest.raises(UnsupportedClaimError, match=r"no longer bears out: Bad\.$"):
        render("T", [("P", "run", [good, bad])])


def test_intervals_as_they_are_written() -> None:
    assert interval(0.05249, 0.04, 0.0651, 1, percent=True) == "5.2% [4.0%, 6.5%]"
    assert shown(Metric("a", "m", 1.888, 1.5, 2, 3, "")) == "1.89 [1.50, 2.00]"
