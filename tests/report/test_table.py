"""The comparison table: who is closest, how figures are rounded, and what fits where."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest
from example_run import DEFINITIONS, MANY, example_run
from hypothesis import given
from hypothesis import strategies as st

from nextchar.report.markdown import as_markdown
from nextchar.report.standing import closest, standings
from nextchar.report.table import Table, compare
from nextchar.report.terminal import as_text
from nextchar.results import HUMAN, Difference, Metric, MetricInfo, info_of

LONG = "temperature=0.7 top_k=40 top_p=0.95 min_p=0.02 typical=0.9 top_n_sigma=1.5 eta=0.0003"


def row(sampler: str, value: float, half: float = 0.0, metric: str = "loops") -> Metric:
    return Metric(sampler, metric, value, value - half, value + half, 10, "share")


def pair(first: str, second: str, p: float, metric: str = "loops") -> Difference:
    """Two samplers whose distances from human text differ with this corrected p."""
    return Difference(metric, first, second, 0.1, 0, 0.2, p, p, 0.1, 0, 0.2, p)


def pairs(labels: Sequence[str], distinguished: Sequence[tuple[str, str]]) -> list[Difference]:
    """Every pair; those that are named are told apart."""
    return [
        pair(one, other, 0.01 if {(one, other), (other, one)} & {*distinguished} else 0.5)
        for one, other in combinations(labels, 2)
    ]


def marked(table: Table) -> list[str]:
    return [line.label for line in table.rows if any(cell.closest for cell in line.cells)]


@given(st.lists(st.floats(0, 10), min_size=2, max_size=8), st.floats(0, 10))
def test_the_closest_are_the_nearest_and_no_others(values: list[float], human: float) -> None:
    found = closest([*(row(f"s{i}", value) for i, value in enumerate(values)), row(HUMAN, human)])
    nearest = min(abs(value - human) for value in values)
    expected = [f"s{i}" for i, v in enumerate(values) if math.isclose(abs(v - human), nearest)]
    assert set(expected) <= set(found)
    for label in found:
        assert abs(values[int(label[1:])] - human) == pytest.approx(nearest, abs=1e-7)


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
    assert closest(rows) == []


FOUR = [row("a", 0.30, 0.05), row("b", 0.31, 0.05), row("c", 0.5, 0.05), row("d", 0.9, 0.05)]
PEOPLE = row(HUMAN, 0.3, 0.05)
FAR = [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]


@pytest.mark.parametrize(
    ("distinguished", "expected", "leader"),
    [
        ([*FAR, ("a", "b")], ["a"], "a"),
        (FAR, ["a", "b"], None),
        ([("a", "d"), ("b", "d"), ("c", "d")], [], None),
        ([], [], None),
    ],
    ids=["one is told apart", "half are tied", "more than half are tied", "noise"],
)
def test_marks_follow_what_is_told_apart(
    distinguished: list[tuple[str, str]], expected: list[str], leader: str | None
) -> None:
    found = pairs("abcd", distinguished)
    assert marked(compare([*FOUR, PEOPLE], {}, found)) == expected
    (standing,) = standings([*FOUR, PEOPLE], found)
    assert standing.leader == leader
    assert standing.farthest == ("d" if distinguished else None)


def test_nobody_is_marked_without_differences_or_far_from_human_text() -> None:
    assert marked(compare([*FOUR, PEOPLE], {})) == []
    told_apart = pairs("abcd", [*FAR, ("a", "b")])
    (standing,) = standings([*FOUR, row(HUMAN, 0.1, 0.05)], told_apart)
    assert (standing.apart, standing.leader, standing.marked) == (True, None, ())
    (standing,) = standings([*FOUR, row(HUMAN, 0.25, 0.05)], told_apart)
    assert (standing.apart, standing.leader) == (False, "a"), "0.05 is within both intervals"


def test_a_p_that_is_not_known_tells_nobody_apart() -> None:
    unknown = [pair(one, other, math.nan) for one, other in combinations("abcd", 2)]
    (standing,) = standings([*FOUR, PEOPLE], unknown)
    assert (standing.leader, standing.farthest, len(standing.tied)) == (None, None, 3)


def test_digits_are_added_until_marked_and_unmarked_differ() -> None:
    rows = [row("a", 0.5012, 0.1), row("b", 0.5049, 0.1), row("c", 0.9, 0.1), row(HUMAN, 0.5, 0.1)]
    found = pairs("abc", [("a", "b"), ("a", "c"), ("b", "c")])
    table = compare(rows, {}, found)
    assert [line.cells[0].value for line in table.rows] == ["0.501", "0.505", "0.900", "0.500"]
    assert marked(table) == ["a"]


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


def test_a_column_has_one_notation_of_intervals() -> None:
    even, skew = Metric("a", "m", 0.5, 0.4, 0.6, 9, ""), Metric("b", "m", 0.0, 0.0, 0.2, 9, "")
    cells = [line.cells[0].full for line in compare([even, skew], {}).rows]
    assert cells == ["0.5 [0.4, 0.6]", "0.0 [0.0, 0.2]"]
    assert compare([even], {}).rows[0].cells[0].full == "0.5 ±0.1"


def test_a_width_below_the_last_digit_is_not_zero() -> None:
    rows = [row("a", 0.5, 1e-6), row("b", 0.4, 0.001)]
    assert [line.cells[0].interval for line in compare(rows, {}).rows] == ["±<0.001", "±0.001"]


@given(st.floats(0, 1), st.floats(0, 2))
def test_intervals_stay_within_the_bounds_of_the_metric(value: float, half: float) -> None:
    info = MetricInfo(name="loops", unit="share", short="", long="", bounds=(0, 1))
    (cell,) = compare([row("a", value, half)], {"loops": info}).rows[0].cells
    ends = [float(each) for each in re.findall(r"[-\d.]+", cell.interval)]
    assert all(0 <= end <= 1 for end in ends)


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
        if not line.startswith(("*", "–")):  # the legend is a sentence
            # Labels take half of the width, and the widest single column 12.
            assert len(line) <= max(width, 28)


def test_text_aligns_decimal_points_and_sets_human_apart(tmp_path: Path) -> None:
    lines = as_text(compare(example_run(tmp_path).metrics, DEFINITIONS), 100).splitlines()
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
