"""The report in a real browser: nothing is fetched, nothing is run that a text says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pages import Open
from playwright.sync_api import Page, expect

from nextchar import results
from nextchar.plots import Drawn, draw_all
from nextchar.report.page import write_report

HOSTILE = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    "</textarea>{{ 7 * 7 }}\x00\x1b[31m\r\u202e \u05d0\u05d1 \U0001f600 \u2028"
    "`${document.title='taken'}`"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The tiny run's report, with texts in it that would take the page over."""
    run = results.read_run(tiny_run)
    folder = tmp_path_factory.mktemp("outputs") / "runs" / "hostile"
    folder.mkdir(parents=True)
    (folder.parent.parent / "models").symlink_to(tiny_run.parent.parent / "models")
    bits = tuple(1.0 for _ in HOSTILE)
    samples = [replace(each, text=HOSTILE, prompt_text=HOSTILE, bits=bits) for each in run.samples]
    manifest = {**run.manifest, "warnings": [HOSTILE], "name": HOSTILE}
    changed = replace(run, folder=folder, samples=samples, manifest=manifest)
    return write_report(changed, draw_all(changed, folder / results.PLOTS))


@pytest.fixture(scope="module")
def page(visit: Open, tiny_run: Path) -> Page:
    opened = visit(tiny_run / results.REPORT)
    opened.evaluate("document.querySelectorAll('details.fold').forEach(each => each.open = true)")
    return opened


@pytest.fixture(scope="module")
def hostile(visit: Open, report: Path) -> Page:
    return visit(report, width=420)


def test_the_table_has_a_row_for_each_sampler_and_for_human_text(
    page: Page, tiny_run: Path
) -> None:
    tables = page.evaluate(
        "[...document.querySelectorAll('#table table')].map(table => ({"
        " rows: [...table.tBodies[0].rows].map(row => row.cells[0].textContent.trim()),"
        " cells: [...table.rows].map(row => row.cells.length)}))"
    )
    assert tables[0]["rows"] == results.read_run(tiny_run).samplers
    assert tables[0]["rows"][-1] == "human"
    for table in tables:
        assert set(table["rows"]) <= set(tables[0]["rows"])
        assert len(set(table["cells"])) == 1


def test_every_picture_is_seen(page: Page) -> None:
    pictures = page.evaluate(
        "[...document.querySelectorAll('figure svg.wide')].map(image =>"
        "[image.getBoundingClientRect().width, image.getBoundingClientRect().height,"
        " image.getBBox().width, image.getAttribute('aria-label').length])"
    )
    assert len(pictures) >= 3
    assert all(all(picture) for picture in pictures)
    marks = page.evaluate(
        "[...document.querySelectorAll('#table svg')]"
        ".map(mark => mark.getBoundingClientRect().width)"
    )
    assert marks
    assert all(marks)


def test_the_text_of_a_sample_is_shown(page: Page, tiny_run: Path) -> None:
    shown = page.locator("article .text").all_text_contents()
    samples = results.read_samples(tiny_run / results.SAMPLES)
    assert {sample.text for sample in samples} <= set(shown)


def test_a_text_is_never_run(hostile: Page, page: Page) -> None:
    assert hostile.title() != "taken"
    for kind in ("script", "img[src=x]"):
        own = f"document.querySelectorAll('{kind}').length"
        assert hostile.evaluate(own) == page.evaluate(own)
    shown = hostile.locator("article .text").first.text_content()
    assert shown is not None
    assert "<script>document.title='taken'</script>" in shown
    notice = hostile.locator(".notices").text_content()
    assert notice is not None
    assert "{{ 7 * 7 }}" in notice
    texts = hostile.locator("#play .text").all_text_contents()
    assert len(texts) == 2
    for text in texts:
        assert "<script>document.title='taken'</script><img src=x" in text
        assert "\u2400\u241b[31m\u240d" in text
        assert "\U0001f600" in text
    hostile.locator("#play .text i").nth(3).click()
    expect(hostile.locator("#play [data-play=candidates]")).to_contain_text("know")
    assert "<" in hostile.locator("[data-play=unknown]").inner_text()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_is_as_wide_as_the_window(hostile: Page, page: Page, width: int) -> None:
    for each in (hostile, page):
        each.set_viewport_size({"width": width, "height": 900})
        assert each.evaluate("document.documentElement.scrollWidth") <= width


def test_prompts_are_chosen_by_buttons(page: Page) -> None:
    opened = "[...document.querySelectorAll('.prompt')].map(prompt => prompt.open)"
    assert sum(page.evaluate(opened)) == 1
    page.locator(".chooser div button").nth(1).click()
    after = page.evaluate(opened)
    assert sum(after) == 1
    assert after.index(True) == 1


def test_of_very_many_samplers_some_texts_are_shown_at_first(
    visit: Open, tiny_run: Path, tmp_path: Path
) -> None:
    run = results.read_run(tiny_run)
    (first, *_) = run.samples
    many = [replace(first, sampler=f"top_k={k}") for k in range(1, 61)]
    page = visit(write_report(replace(run, samples=many, folder=tmp_path), Drawn()))
    cards = page.locator(".prompt[open] [data-sampler]")
    assert (cards.count(), page.locator(".prompt[open] [data-sampler]:visible").count()) == (60, 30)
    page.locator(".chooser button", has_text="top_k=2").first.click()
    assert page.locator(".prompt[open] [data-sampler='top_k=2']").is_visible()


def test_the_first_column_stays_and_leaves_room_for_others(visit: Open, tiny_run: Path) -> None:
    page = visit(tiny_run / results.REPORT, width=390)
    head, name = page.locator("#table thead th").first, page.locator("#table tbody th").first
    long = "dynamic_temperature=0.8,range=0.4"
    name.evaluate("(name, long) => { name.querySelector('span span').textContent = long; }", long)
    table = page.locator("#table .scroll")
    table.evaluate("table => { table.scrollLeft = 150; }")
    left = table.bounding_box()
    assert left
    for cell in (head, name):
        box = cell.bounding_box()
        assert box
        assert abs(box["x"] - left["x"]) < 2
        assert box["width"] < left["width"] / 2
        assert cell.evaluate("cell => cell.scrollWidth <= cell.clientWidth")


def test_a_print_is_light_and_as_wide_as_the_paper(visit: Open, tiny_run: Path) -> None:
    page = visit(tiny_run / results.REPORT, width=718, color_scheme="dark")  # A4 but its margins
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#metrics table").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    ink = page.locator("h1").evaluate("head => getComputedStyle(head).color")
    assert ink == "rgb(31, 36, 48)"


ROWS = (
    "[...document.querySelectorAll('#table tbody tr')].filter(row => !row.hidden)"
    ".map(row => row.cells[0].textContent.trim())"
)
SHOWN = "[...document.querySelectorAll('#table tbody tr')].map(row => row.cells[1].textContent)"
VALUES = "[...document.querySelectorAll('#table tbody tr')].map(r => +r.cells[1].dataset.value)"


def test_tables_sort_and_show_differences(page: Page) -> None:
    before, shown = page.evaluate(ROWS), page.evaluate(SHOWN)
    heading = page.locator("#table thead button")
    heading.nth(1).click()
    *sampled, _ = page.evaluate(VALUES)
    assert sampled == sorted(sampled)
    heading.nth(1).click()
    *sampled, human = page.evaluate(VALUES)
    assert sampled == sorted(sampled, reverse=True)
    assert page.evaluate(ROWS)[-1] == "human"
    assert page.locator("#table .explain").first.text_content()
    switch = page.locator("#table .tools button").first
    switch.click()
    gap = float(page.evaluate(SHOWN)[0].split()[0].replace("−", "-"))
    assert gap == pytest.approx(sampled[0] - human, abs=0.06)
    switch.click()
    heading.nth(0).click()
    assert (page.evaluate(ROWS), page.evaluate(SHOWN)) == (before, shown)


def test_a_link_unfolds_what_it_leads_to(visit: Open, tiny_run: Path) -> None:
    opened = visit(tiny_run / results.REPORT, width=420)
    folded = opened.locator("#definitions")
    assert folded.get_attribute("open") is None
    opened.locator('nav a[href="#definitions"]').click()
    opened.wait_for_function("document.querySelector('#definitions').open")
