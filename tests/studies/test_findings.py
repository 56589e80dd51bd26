"""Findings: the commands print the figures, and a sentence falls with them."""

from __future__ import annotations

import ast
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from example_run import SAMPLERS, example_run
from studies.findings import sentences
from studies.findings.finding import (
    CitedRun,
    Finding,
    UnsupportedClaimError,
    format_column,
    format_interval,
    format_row,
    render,
)

from nextchar import results
from nextchar.results import HUMAN_TRAINING, Difference, FamilyFigure, Metric, Truncation


@pytest.fixture
def cited(tmp_path: Path) -> CitedRun:
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
    return CitedRun(run)


def printed(command: str) -> list[str]:
    out = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    return out.stdout.splitlines()


def test_the_commands_print_what_was_looked_up_and_nothing_else(cited: CitedRun) -> None:
    cited.metric("temperature=0.7", "loops")
    cited.metric(HUMAN_TRAINING, "loops")
    assert cited.difference("loops", "temperature=0.7", "greedy").first == "greedy"
    cited.truncation("top_p", 0.95)
    cited.family("best", "loops", "top_k")
    commands = cited.commands()
    rows = [row for command in commands for row in printed(command)]
    starts = ["temperature=0.7,loops,", "human (training),loops,", "loops,greedy,temperature=0.7,"]
    starts += ["top_p,0.95,", "best,loops,top_k,"]
    assert len(rows) == len(starts)
    assert all(row.startswith(start) for row, start in zip(rows, starts, strict=True))
    assert cited.commands() == ()


def test_what_is_not_there_is_said(cited: CitedRun) -> None:
    with pytest.raises(KeyError, match="no nonsense of greedy"):
        cited.metric("greedy", "nonsense")
    assert cited.family("equal bits", "loops", "top_k") is None


def test_a_sentence_that_does_not_hold_stops_the_page() -> None:
    good, bad = Finding("Good.", ("true",), True), Finding("Bad.", ("false",), False)
    page = render("T", "note\n", [("P", "run", [good])])
    assert page.startswith("# T\n\nnote\n\n## P\n")
    assert "- Good.\n\n  ```sh\n  true\n  ```" in page
    with pytest.raises(UnsupportedClaimError, match=r"does not support: Bad\.$"):
        render("T", "note\n", [("P", "run", [good, bad])])


def test_intervals_as_they_are_written() -> None:
    assert format_interval(0.05249, 0.04, 0.0651, 1, percent=True) == "5.2% [4.0%, 6.5%]"
    assert format_row(Metric("a", "m", 1.888, 1.5, 2, 3, "")) == "1.89 [1.50, 2.00]"
    row = Truncation("top_p", 0.9, 0.5, 0.25, 0.75, *[0.125] * 6)
    assert format_column(row, "impossible", 0, percent=True) == "50% [25%, 75%]"


def test_the_page_has_the_sentences_of_the_program() -> None:
    """Whatever the values are: a reworded sentence is reworded on the page too."""
    page = (Path(__file__).parents[2] / "docs" / "findings.md").read_text(encoding="utf-8")
    written = [line.removeprefix("- ") for line in page.splitlines() if line.startswith("- ")]
    tree = ast.parse(Path(sentences.__file__).read_text(encoding="utf-8"))
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
    templates = [call.args[0] for call in calls if getattr(call.func, "id", "") == "Finding"]
    assert len(templates) == len(written)
    for template in templates:
        assert isinstance(template, ast.JoinedStr)
        parts = [
            re.escape(str(each.value)) if isinstance(each, ast.Constant) else ".+"
            for each in template.values
        ]
        pattern = "".join(parts)
        assert sum(re.fullmatch(pattern, line) is not None for line in written) == 1, pattern
