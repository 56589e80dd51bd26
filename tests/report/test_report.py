"""The report: one file that loads nothing, escapes everything, and says first what is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from example_run import MANY, SAMPLERS, example_run

from nextchar.plots import Drawn, draw_all
from nextchar.report.figures import figure_markup
from nextchar.report.page import write_report
from nextchar.report.samples import CHARACTERS, EDGES, PROMPTS, chosen, tinted
from nextchar.report.standing import standings
from nextchar.report.summary import summary
from nextchar.results import HUMAN, OVERALL, Difference, FamilyFigure, Metric, Run, Sample

VOID = {"meta", "link", "img", "br", "hr", "input", "wbr"}


class Page(HTMLParser):
    """Elements with their attributes, and the text of the page; complains of unbalanced tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" not in self._open and "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page(run: Run, drawn: Drawn | None = None) -> str:
    return write_report(run, drawn or Drawn()).read_text(encoding="utf-8")


def summarized(run: Run) -> str:
    return summary(run, standings(run.metrics, run.differences))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Drawn]:
    """A run and its plots, drawn once."""
    run = example_run(tmp_path_factory.mktemp("run"), SAMPLERS[:2])
    return run, draw_all(run, run.folder / "plots")


def text_of(sampler: str, text: str, bits: float = 0.5, prompt: int = 0, sample: int = 0) -> Sample:
    return Sample(sampler, prompt, sample, "KING:\n", text, (bits,) * len(text))


def test_the_page_is_whole_and_the_same_bytes_again(drawn: tuple[Run, Drawn]) -> None:
    run, plots = drawn
    path = write_report(run, plots)
    first = path.read_bytes()
    assert path == run.folder / "report.html"
    assert write_report(run, plots).read_bytes() == first
    assert not list(run.folder.glob(".*"))
    order = [attrs["id"] for tag, attrs in Page(first.decode()).elements if tag == "section"]
    assert order == ["samples", "figure", "table"]
    details = [attrs for tag, attrs in Page(first.decode()).elements if tag == "details"]
    folds = [attrs["id"] for attrs in details if attrs.get("class") == "fold"]
    assert folds == ["metrics", "plots", "definitions", "again", "files"]


def test_nothing_is_loaded(drawn: tuple[Run, Drawn]) -> None:
    html = page(*drawn)
    for tag, attrs in Page(html).elements:
        links = () if tag == "a" else ("href",)
        for name in ("src", *links, "srcset", "action", "data"):
            assert (attrs.get(name) or "#").startswith(("data:", "#")), (tag, name)
        assert tag not in ("iframe", "object", "embed", "base")
    assert not re.search(r"url\((?!#)|@import|https?://", html)


def test_markers_take_the_colours_of_the_theme(drawn: tuple[Run, Drawn]) -> None:
    """A style within `defs` would stand above the rules for dark pages."""
    markup = figure_markup(drawn[1].plots[0])
    assert markup.count("<svg") == 2
    definitions = re.findall(r"<defs>.*?</defs>", markup, re.DOTALL)
    assert definitions
    assert not any("style=" in each for each in definitions)


def test_figures_have_words_and_fall_back_to_png(drawn: tuple[Run, Drawn], tmp_path: Path) -> None:
    run, plots = drawn
    *others, loss = plots.plots
    alone = tmp_path / "loss_curves.png"
    alone.write_bytes(loss.png.read_bytes())
    plots = Drawn([*others, replace(loss, png=alone)])
    elements = Page(page(run, plots)).elements
    (image,) = (attrs for tag, attrs in elements if tag == "img")
    assert str(image["src"]).startswith("data:image/png")
    words = [attrs["aria-label"] for _, attrs in elements if attrs.get("role") == "img"]
    # Wide and narrow, and the narrow form of the one whose wide form is a PNG.
    assert len(words) == 2 * len(others) + 1
    assert all(len(str(alt)) > 20 for alt in (*words, image["alt"]))
    assert "human text 2.20, 0.35" in str(words[0])


def test_everything_is_escaped(tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>\"'&"
    run = example_run(
        tmp_path, SAMPLERS[:2], manifest={"warnings": [attack], "times": {attack: attack}}
    )
    run = replace(
        run,
        config={"name": attack, attack: [attack]},
        metrics=[*run.metrics, Metric(attack, attack, 1, 1, 1, 1, attack)],
        samples=[Sample(attack, 0, 0, attack, attack, (0.5,) * len(attack))],
    )
    html = page(run)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert sum(tag == "script" for tag, _ in Page(html).elements) == 1
    assert attack in Page(html).text


def test_notices_stand_before_the_table(tmp_path: Path) -> None:
    manifest = example_run(tmp_path).manifest
    corpus = {**manifest["corpus"], "substituted": "Another corpus was used."}
    warnings = ["First warning.", "Second warning."]
    run = example_run(tmp_path, manifest={"corpus": corpus, "warnings": warnings})
    text = Page(page(run)).text
    places = [
        text.index(part) for part in ("Another corpus", "First w", "Second w", "Samplers comp")
    ]
    assert places == sorted(places)
    assert 'class="notices"' not in page(example_run(tmp_path))


def test_the_table_marks_who_is_told_apart(tmp_path: Path) -> None:
    run = example_run(tmp_path)
    near = [
        replace(row, value=2.27)
        if (row.sampler, row.metric) == (HUMAN, "bits_per_character")
        else row
        for row in run.metrics
    ]
    run = replace(run, metrics=near)
    others = [label for label in SAMPLERS if label != "temperature=1"]
    found = [difference(one, other, 0.2) for one, other in combinations(others, 2)]
    found += [difference("temperature=1", other, 0.01) for other in others]
    pairs = [replace(each, metric="bits_per_character") for each in found]
    html = page(replace(run, differences=pairs))
    row = html[html.index("temperature=<wbr>1</span>") :].split("</tr>")[0]
    assert re.search('class="closest"[^>]*><b>2.29</b>', row)
    assert '<tr class="human reference" ' in html
    assert 'class="closest"' not in page(run), "without differences nobody is"
    assert "temperature=1</code></strong> is closest to human text" in html


@pytest.mark.parametrize(
    ("labels", "human", "expected"),
    [
        (SAMPLERS, True, "nobody is ranked"),
        (SAMPLERS[:1], True, "single sampler"),
        (SAMPLERS, False, "no human text"),
        (MANY, True, "40 samplers"),
    ],
)
def test_the_summary_follows_the_figures(
    tmp_path: Path, labels: tuple[str, ...], human: bool, expected: str
) -> None:
    assert expected in summarized(example_run(tmp_path, labels, human=human))


def test_the_summary_names_nobody_that_the_table_does_not_mark(tmp_path: Path) -> None:
    rows = [
        *(Metric(s, "m", 0.4, 0.3, 0.5, 9, "") for s in ("a", "b")),
        Metric("c", "m", 0.41, 0.3, 0.5, 9, ""),
        Metric("d", "m", 0.9, 0.8, 1.0, 9, ""),
        Metric(HUMAN, "m", 0.35, 0.3, 0.4, 9, ""),
    ]
    labels = ("a", "b", "c", "d")
    run = replace(example_run(tmp_path), metrics=rows, samples=[])
    noise = [difference(*two, 0.5) for two in combinations(labels, 2)]
    text = summarized(replace(run, differences=noise))
    assert "No sampler stands out" in text
    assert "<code>" not in text
    far = [replace(each, nearer_holm=0.01) if each.second == "d" else each for each in noise]
    assert "<code>d</code> is clearly the farthest on one." in summarized(
        replace(run, differences=far)
    )
    moved = [
        replace(row, value=2, low=1.9, high=2.1) if row.sampler == HUMAN else row for row in rows
    ]
    text = summarized(replace(run, metrics=moved, differences=far))
    assert "Even the closest sampler differs from human text in m (0.9 against 2.0)." in text


def test_a_reference_that_nobody_wrote_is_not_called_human(tmp_path: Path) -> None:
    run = example_run(tmp_path)
    run = replace(run, manifest={**run.manifest, "corpus": {"name": "grammar"}})
    text = Page(page(replace(run, samples=run.samples[:9]))).text
    assert "human" not in text.partition("Configuration")[0]
    assert "Samplers compared with grammar text" in text


def test_links_lead_to_every_file_of_the_run(tmp_path: Path) -> None:
    run = example_run(tmp_path)
    for name in ("metrics.csv", "samples.jsonl"):
        (tmp_path / name).touch()
    links = [attrs["href"] for tag, attrs in Page(page(run)).elements if tag == "a"]
    assert [each for each in links if not str(each).startswith("#")] == [
        "metrics.csv",
        "samples.jsonl",
        "DONE",
    ]
    ids = {attrs.get("id") for _, attrs in Page(page(run)).elements}
    assert {str(each)[1:] for each in links if str(each).startswith("#")} <= ids


def test_a_smoke_run_says_that_its_figures_mean_nothing(tmp_path: Path) -> None:
    run = example_run(tmp_path, manifest={"command": "nextchar-run experiment=smoke"})
    assert "Its figures mean nothing" in Page(page(run)).text
    assert "mean nothing" not in page(example_run(tmp_path))


def difference(first: str, second: str, p: float) -> Difference:
    """A pair on metric m, whose distances from human text differ with this corrected p."""
    return Difference("m", first, second, -0.01, -0.1, 0.1, p, p, -0.01, -0.1, 0.1, p)


def test_tints_rebuild_the_text_and_merge_neighbours() -> None:
    sample = Sample("a", 0, 0, "", "abcdef", (0.0, 0.9, 1.0, 4.0, 4.9, 99.0))
    runs = tinted(sample)
    assert runs == ((0, "ab"), (1, "c"), (3, "de"), (len(EDGES), "f"))


def test_whitespace_is_kept_and_controls_are_shown(tmp_path: Path) -> None:
    samples = [text_of("greedy", "  a\n\n  b\r\x00")]
    html = page(replace(example_run(tmp_path), samples=samples))
    assert '<p class="text">  a\n\n  b␍␀</p>' in html


def test_an_empty_text_is_said_to_be_empty(tmp_path: Path) -> None:
    html = page(replace(example_run(tmp_path), samples=[text_of("greedy", "")]))
    assert "(empty)" in html


def test_a_run_without_samples_or_metrics_has_a_page(tmp_path: Path) -> None:
    html = page(replace(example_run(tmp_path), samples=[], metrics=[], manifest={}, config={}))
    assert 'id="samples"' not in html
    assert "no human text" in Page(html).text


def test_what_is_left_out_is_said() -> None:
    samples = [
        text_of("a", "x" * (CHARACTERS + 1), prompt=prompt, sample=sample)
        for prompt in range(PROMPTS + 1)
        for sample in (1, 0)
    ]
    shown = chosen([*samples, text_of(HUMAN, "y")])
    assert len(shown.prompts) == PROMPTS
    assert f"first {PROMPTS} prompts of {PROMPTS + 1}," in shown.note
    assert "first text of each sampler" in shown.note
    assert f"first {CHARACTERS:,} characters" in shown.note
    assert [text.sampler for text in shown.prompts[0].texts] == [HUMAN, "a"]
    assert chosen([text_of("a", "x")]).note == ""


def test_very_many_samplers_have_fewer_prompts() -> None:
    def prompts(samplers: int) -> int:
        samples = [
            text_of(f"top_k={k}", "x" * 256, prompt=prompt)
            for k in range(samplers)
            for prompt in range(PROMPTS)
        ]
        return len(chosen(samples).prompts)

    assert [prompts(each) for each in (9, 48, 49, 195, 196, 800)] == [8, 8, 7, 2, 1, 1]


def test_a_large_run_stays_small(drawn: tuple[Run, Drawn], tmp_path: Path) -> None:
    run = example_run(tmp_path, prompts=64, length=256, samples_per_prompt=1)
    assert len(page(run, drawn[1]).encode()) < 2_500_000


def test_the_command_is_the_runs_own(tmp_path: Path) -> None:
    run = example_run(tmp_path, manifest={"command": "python experiments/run.py seed=3"})
    assert "python experiments/run.py seed=3" in page(run)


def tied_page(labels: list[str], tmp_path: Path) -> str:
    """The page of a run whose samplers are all tied, the first being the closest."""
    rows = [Metric(label, "m", 1.0 + 0.1 * i, 0, 2, 9, "") for i, label in enumerate(labels)]
    rows.append(Metric(HUMAN, "m", 1.0, 0, 2, 9, ""))
    pairs = [difference(one, other, 1.0) for one, other in pairwise(labels)]
    pairs += [difference(labels[0], other, 1.0) for other in labels[2:]]
    return page(replace(example_run(tmp_path), metrics=rows, differences=pairs, samples=[]))


def test_many_tied_samplers_are_counted_and_few_are_named(tmp_path: Path) -> None:
    few = tied_page([f"top_k={k}" for k in range(1, 5)], tmp_path)
    assert (
        "<details><summary>" not in few.partition('id="standings"')[2].partition('class="fold"')[0]
    )
    many = tied_page([f"top_k={k}" for k in range(1, 12)], tmp_path)
    table = many.partition('id="standings"')[2].partition('class="fold"')[0].replace("<wbr>", "")
    assert "<details><summary>10 of 11</summary>" in table
    assert all(f"top_k={k}</span>" in table for k in range(1, 12)), "unfolded, all are named"


def _overall(levels: list[float]) -> list[FamilyFigure]:
    """Families a, b, ... in the order of their overall distance; the closest has the first p."""
    return [
        FamilyFigure("overall", OVERALL, "abcdefg"[i], "", i, 0, 9, i, 0, 9, level, 0.0)
        for i, level in enumerate(levels)
    ]


@pytest.mark.parametrize(
    ("levels", "said", "marked"),
    [
        ([1, 1, 1, 0.01], "the difference from it is not significant for two of the others.", 0),
        ([1, 1, 0.01, 0.01], "the difference from it is not significant for one of the others.", 2),
        ([1, 0.04, 0.01, 0.01], "and differs significantly from all others.", 1),
    ],
)
def test_families_are_the_answer_where_no_samplers_are_compared(
    tmp_path: Path, levels: list[float], said: str, marked: int
) -> None:
    run = replace(example_run(tmp_path), families=_overall(levels), differences=[])
    html = page(run)
    lede = Page(html.partition('class="lede">')[2].partition("</p>")[0]).text
    assert "Of four families, tuned alike, a ends closest to human text" in lede
    assert lede.endswith(said)
    assert ("No family of samplers stands out" in lede) == ("not significant" in said)
    table = html.partition('id="families"')[2].partition("</table>")[0]
    assert table.count('class="closest"') == marked


def test_a_setting_that_a_family_has_throughout_stands_above_its_column(tmp_path: Path) -> None:
    def figures(kind: str, settings: dict[str, str]) -> list[FamilyFigure]:
        return [
            FamilyFigure(kind, metric, "top_p", setting, 1, 0, 2, 0, 0, 1, 1.0, 1.0)
            for metric, setting in settings.items()
        ]

    rows = [
        *figures("equal bits", {"loops": "40% top_p=0.8, 60% top_p=0.9", "distinct_1": ""}),
        *figures("best", {"loops": "top_p=0.5", "distinct_1": "top_p=0.7"}),
    ]
    html = page(replace(example_run(tmp_path), families=rows))
    assert html.count("40% top_p=0.8") == 1
    assert "top_p <small>40% top_p=0.8, 60% top_p=0.9</small></th>" in html
    assert html.count("<small>top_p=0.5</small></td>") == 1
    assert html.count("<small>top_p=0.7</small></td>") == 1
