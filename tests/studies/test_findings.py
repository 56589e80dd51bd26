"""Findings: a sentence falls with its figures, a reason with its verdict, and shares are exact."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from scipy import stats
from studies.findings import answer, claims, truth
from studies.findings.claims import FAILS, HOLDS, UNDECIDED, Claim, Evidence
from studies.findings.finding import (
    Estimate,
    Finding,
    UnsupportedClaimError,
    exact_share,
    over_seeds,
    require,
    shown,
    table,
)
from studies.findings.runs import PooledRun, require_same_samplers
from studies.findings.truth import Quality

from nextchar.config import ConfigError
from nextchar.metrics.truncation import ORACLE
from nextchar.results import HUMAN, OVERALL, FamilyFigure, Metric, Truncation

PAGE = Path(__file__).parents[2] / "docs" / "findings.md"


def test_a_sentence_that_does_not_hold_stops_the_page() -> None:
    good, bad = Finding("Good.", True), Finding("Bad.", False)
    assert require([good]) == ["Good."]
    with pytest.raises(UnsupportedClaimError, match=r"do not support: Bad\.$"):
        require([good, bad])


def test_a_reason_stands_beside_the_verdict_that_it_was_written_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def claim(verdict: str) -> Claim:
        return Claim("A", "B", lambda *_: Evidence("1 of 2", verdict), HOLDS, "Because.")

    nothing = cast(Any, None)
    for verdict, holds in ((HOLDS, True), (FAILS, False), (UNDECIDED, False)):
        monkeypatch.setattr(claims, "CLAIMS", (claim(verdict),))
        text, (finding,) = claims.claims_table(nothing, nothing)
        assert finding.holds == holds
        assert f"| 1 of 2 | **{verdict}** | Because. |" in text


def test_zero_of_n_has_its_exact_bound() -> None:
    found = exact_share(0, 160)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 160))
    assert exact_share(3, 3).high == 1
    assert exact_share(3, 3).low == pytest.approx(0.025 ** (1 / 3))


def test_intervals_over_trainings_are_students() -> None:
    values = [1.0, 2.0, 4.0]
    found = over_seeds(values)
    low, high = stats.t.interval(0.95, 2, loc=7 / 3, scale=stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((7 / 3, low, high))
    assert math.isnan(over_seeds([1.0, math.nan]).value)


def test_figures_as_they_are_written() -> None:
    assert shown(Estimate(0.05249, 0.04, 0.0651), 1, percent=True) == "5.2% [4.0%, 6.5%]"
    assert shown(Metric("a", "m", 1.888, 1.5, 2, 3, "")) == "1.89 [1.50, 2.00]"
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n| :--- | :--- |\n| 1 | 2 |"


def cut(
    family: str, parameter: float, impossible: float, lost: float, distance: float
) -> Truncation:
    ends = [[value] * 3 for value in (impossible, lost, 0.0, distance)]
    return Truncation(family, parameter, *(end for each in ends for end in each))


def quality(*seeds: Sequence[Truncation]) -> Quality:
    """A recipe whose trainings have these rows; the pooled ones are those of the first."""
    manifest = {"model": {"validation_loss": 1.0}}
    run = SimpleNamespace(truncation=seeds[0], manifest=manifest, samplers=["greedy"], folder="x")
    pooled = PooledRun(cast(Any, run))
    parts = [SimpleNamespace(truncation=rows) for rows in seeds]
    pooled.__dict__["parts"] = parts
    pure = {row.family: row for row in seeds[0]}.get("temperature")
    pooled.__dict__["truncation"] = lambda *_: pure
    return Quality("default", pooled)


def test_families_are_compared_at_equal_lost_mass() -> None:
    rows = [cut("top_k", k, 0.04 * k, 0.02 / k, 0.1) for k in (1, 2)]
    assert truth.interpolated(rows, "top_k", 0.015) == pytest.approx(0.06)
    assert math.isnan(truth.interpolated(rows, "top_k", 0.03))
    found = quality(rows, [cut("top_k", k, 0.06 * k, 0.02 / k, 0.1) for k in (1, 2)])
    assert found.impossible_at("top_k", 0.015).value == pytest.approx(0.075)


def test_the_gain_is_that_of_the_setting_that_is_best_for_all_trainings() -> None:
    def rows(best: float) -> list[Truncation]:
        return [
            cut("temperature", 1.0, 0.1, 0, 0.3),
            cut("top_p", 0.9, 0.1, 0.01, best),
            cut("top_p", 0.5, 0.1, 0.02, 0.29),
            cut("xtc", 0.3, 0.1, 0, 0.1),
        ]

    found = quality(rows(0.2), rows(0.25), rows(0.24))
    assert found.best(["top_p"]).parameter == 0.9
    assert found.gain(["top_p"]).value == pytest.approx(0.07)
    assert found.cutting == ["top_p"]


def test_tables_hold_families_that_one_quality_cuts_hardly_with() -> None:
    def rows(lost: float, distance: float) -> list[Truncation]:
        return [
            cut("temperature", 1.0, 0.1, 0, 0.3),
            cut("top_p", 0.9, 0.08, 0.02, 0.2),
            cut("top_p", 0.8, 0.09, 0.005, 0.25),
            cut("repetition_penalty,window=8", 1.5, 0.12, lost, distance),
            cut(ORACLE, 1.0, 0.05, 0.001, math.nan),
        ]

    one, other = (quality(found, found) for found in (rows(0.0015, 0.4), rows(0.0008, 0.5)))
    assert one.against_repetition == ["repetition_penalty,window=8"]
    found = truth.quality_table({"one": one, "other": other})
    assert "| `repetition_penalty,window=8` | – | – |" in found
    nearest = truth.nearest_table({"one": one, "other": other}, other).splitlines()
    assert nearest[2].startswith("| `top_p` | `top_p=0.9`: 0.1000 [0.1000, 0.1000]")
    assert nearest[-1].startswith(
        "| `repetition_penalty,window=8` | `repetition_penalty=1.5,window"
    )


def test_runs_beside_each_other_compare_the_same_samplers() -> None:
    one, other = (
        PooledRun(cast(Any, SimpleNamespace(samplers=names, folder="x")))
        for names in (["greedy"], ["greedy", "top_k=5"])
    )
    require_same_samplers([one, one])
    with pytest.raises(ConfigError, match="compare other samplers"):
        require_same_samplers([one, other])


def test_who_is_tied_with_the_closest() -> None:
    def row(family: str, level: float) -> FamilyFigure:
        return FamilyFigure("overall", OVERALL, family, "", *[0.0] * 6, level, 0.0)

    assert answer.tied([row("a", 1.0), row("b", 0.06), row("c", 0.04)]) == ["b"]


@pytest.mark.parametrize(
    ("levels", "verdict"),
    [
        ({"a": 1.0, "b": 0.01, "top_p": 0.01}, FAILS),
        ({"a": 1.0, "b": 0.01, "top_p": 0.5}, UNDECIDED),
        ({"top_p": 1.0, "a": 0.5}, UNDECIDED),
        ({"top_p": 1.0, "a": 0.01}, HOLDS),
    ],
)
def test_when_nucleus_sampling_is_closest(levels: dict[str, float], verdict: str) -> None:
    rows = [
        FamilyFigure("overall", OVERALL, name, "", *[0.0] * 6, level, 0.0)
        for name, level in levels.items()
    ]
    run = cast(PooledRun, SimpleNamespace(families=lambda *_: rows))
    (claim,) = (each for each in claims.CLAIMS if "Nucleus sampling is" in each.text)
    assert claim.test(run, cast(Quality, None)).verdict == verdict


def test_the_command_of_a_run_names_no_folder_of_this_machine() -> None:
    command = "nextchar-run name=x 'seeds=[0, 1]' paths.outputs=/here paths.data=/there"
    run = SimpleNamespace(manifest={"command": command})
    found = PooledRun(cast(Any, run)).command
    assert found == "python experiments/run.py name=x 'seeds=[0, 1]'"


def test_the_page_has_the_sentences_of_the_program() -> None:
    """Whatever the values are: a reworded sentence is reworded on the page too."""
    page, _, _ = PAGE.read_text(encoding="utf-8").partition("## What would change the answer")
    written = [line.removeprefix("- ") for line in page.splitlines() if line.startswith("- ")]
    patterns = []
    for module in (answer, truth):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
        for call in calls:
            if getattr(call.func, "id", "") != "Finding":
                continue
            template = call.args[0]
            assert isinstance(template, ast.JoinedStr)
            parts = [
                re.escape(str(each.value)) if isinstance(each, ast.Constant) else ".*"
                for each in template.values
            ]
            patterns.append("".join(parts))
    for line in written:
        assert sum(re.fullmatch(pattern, line) is not None for pattern in patterns) == 1, line
    for pattern in patterns:
        assert any(re.fullmatch(pattern, line) for line in written), pattern
    assert HUMAN in page
