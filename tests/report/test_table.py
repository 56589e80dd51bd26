"""The comparison table: who is closest, how figures are rounded, and what fits where."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from example_run import DEFINITIONS, MANY, example_run
from hypothesis import given
from hypothesis import strategies as st

from nextchar.report.markdown import as_markdown
from nextchar.report.table import Table, compare
from nextchar.report.terminal import as_text
from nextchar.results import HUMAN, Metric, info_of

LONG = "temperature=0.7 top_k=40 top_p=0.95 min_p=0.02 typical=0.9 top_n_sigma=1.5 eta=0.0003"


def row(sampler: str, value: float, half: float = 0.0, metric: str = "loops") -> Metric:
    return Metric(sampler, metric, value, value - half, value + half, 10, "share")


def marked(table: Table) -> list[str]:
    return [line.label for line in table.rows if any(cell.closest for cell in line.cells)]


@given(st.lists(st.floats(0, 10), min_size=2, max_size=8), st.floats(0, 10))
def test_the_marked_samplers_are_the_nearest_and_no_others(
    values: list[float], human: float
) -> None:
    table = compare(
        [*(row(f"s{i}", value) for i, value in enumerate(values)), row(HUMAN, human)], {}
    )
    nearest = min(abs(value - human) for value in values)
    expected = [f"s{i}" for i, v in enumerate(values) if math.isclose(abs(v - human), nearest)]
    assert set(expected) <= set(marked(table))
    for label in marked(table):
        assert abs(values[int(label[1:])] - human) == pytest.approx(nearest, abs=1e-7)


def test_samplers_at_equal_distance_are_all_marked() -> None:
    rows = [row("low", 0.2), row("high", 0.4), row("far", 0.9), row(HUMAN, 0.3)]
    assert marked(compare(rows, {})) == ["low", "high"]


@pytest.mark.parametrize(
    "rows",
    [
        [row("a", 0.2), row("b", 0.4)],
        [row("a", 0.2), row(HUMAN, 0.3)],
        [row("a", math.nan), row("b", 0.4), row(HUMAN, 0.3)],
        [row("a", 0.1), row("b", 0.4), row(HUMAN, math.nan)],
    ],
    ids=["no human text", "one sampler", "one known figure", "human unknown"],
)
def test_nobody_is_closest_without_something_to_compare(rows: list[Metric]) -> None:
    assert marked(compare(rows, {})) == []


def test_human_text_is_last_wherever_its_rows_stand() -> None:
    table = compare([row(HUMAN, 0.1), row("b", 0.2), row("a", 0.3)], {})
    assert [line.label for line in table.rows] == ["b", "a", HUMAN]
    assert [line.human for line in table.rows] == [False, False, True]


def test_a_figure_that_does_not_apply_is_a_gap(tmp_path: Path) -> None:
    table = compare(example_run(tmp_path).metrics, DEFINITIONS)
    names = [column.name for column in table.columns]
    human = table.rows[-1]
    gaps = {name for name, cell in zip(names, human.cells, strict=True) if cell.value == "–"}
    assert gaps == {"entropy", "kept_characters"}


def test_intervals_are_symmetric_only_where_the_printed_digits_are() -> None:
    even, skew = Metric("a", "m", 0.5, 0.4, 0.6, 9, ""), Metric("b", "m", 0.0, 0.0, 0.2, 9, "")
    cells = [line.cells[0].full for line in compare([even, skew], {}).rows]
    assert cells == ["0.5 ±0.1", "0.0 [0.0, 0.2]"]


def test_zero_has_no_sign_and_infinity_is_shown() -> None:
    rows = [row("a", -1e-9, 0.01), row("b", math.inf, 0.01), row("c", 0.5, 0.01)]
    assert [line.cells[0].value for line in compare(rows, {}).rows] == ["0.00", "∞", "0.50"]


def test_an_unknown_metric_goes_by_its_name() -> None:
    assert info_of({}, "self_bleu").long == info_of({}, "self_bleu").short == "self_bleu"
    rows = [row(label, 1.0, metric="self_bleu") for label in ("a", "b")]
    text = as_text(compare(rows, {}))
    assert "self_bleu" in text


@pytest.mark.parametrize("labels", [("greedy",), MANY, (*MANY[:3], LONG)])
@pytest.mark.parametrize("width", [20, 40, 72, 100, 200])
def test_text_keeps_its_width_and_alignment(
    tmp_path: Path, labels: tuple[str, ...], width: int
) -> None:
    text = as_text(compare(example_run(tmp_path, labels).metrics, DEFINITIONS), width)
    for line in text.splitlines():
        if not line.startswith("*"):  # the legend is a sentence
            # Labels take half of the width, and the widest single column 12.
            assert len(line) <= max(width, 28)


def test_text_aligns_decimal_points_and_sets_human_apart(tmp_path: Path) -> None:
    lines = as_text(compare(example_run(tmp_path).metrics, DEFINITIONS)).splitlines()
    rules = [i for i, line in enumerate(lines) if set(line) == {"─"}]
    assert lines[rules[1] + 1].startswith(HUMAN)
    body = lines[rules[0] + 1 : rules[1]]
    start = len("temperature=0.7 top_p=0.95")
    points = {tuple(i for i, c in enumerate(line) if c == "." and i > start) for line in body}
    assert len(points) == 1
    assert max(map(len, lines)) <= 100


def test_text_has_intervals_where_they_fit(tmp_path: Path) -> None:
    table = compare(example_run(tmp_path).metrics, DEFINITIONS)
    assert "±" in as_text(table, 200)
    assert "±" not in as_text(table, 100)


def test_text_of_nothing() -> None:
    assert as_text(compare([], {})) == "no metrics\n"


def test_markdown_has_one_cell_a_column_and_bold_for_the_closest(tmp_path: Path) -> None:
    table = compare([*example_run(tmp_path).metrics, row("odd|label", 0.5)], DEFINITIONS)
    lines = as_markdown(table).splitlines()
    bars = {line.replace("\\|", "").count("|") for line in lines}
    assert bars == {len(table.columns) + 2}
    bold = sum(line.count("**") // 2 for line in lines[2:-1])
    assert bold == sum(cell.closest for line in table.rows for cell in line.cells)
    assert lines[-1].startswith("| **human** |")
    assert "±" not in as_markdown(table, intervals=False)
