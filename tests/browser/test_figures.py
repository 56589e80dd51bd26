"""Figures in a real browser: a sampler stands out in all of them, and in the tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import Open
from playwright.sync_api import Page

from nextchar import results

LABEL = "greedy"
LIT = (
    "[...document.querySelectorAll('.lit')].map(each => [each.closest('figure, table') ?"
    " each.closest('figure, table').className : '', JSON.parse(each.dataset.samplers)])"
)


@pytest.fixture
def page(visit: Open, tiny_run: Path) -> Page:
    opened = visit(tiny_run / results.REPORT, has_touch=True)
    opened.evaluate("document.querySelectorAll('details.fold').forEach(each => each.open = true)")
    return opened


def places(page: Page) -> set[str]:
    """Where the sampler is highlighted, which must be nothing else."""
    lit = page.evaluate(LIT)
    assert all(LABEL in samplers for _, samplers in lit)
    return {place.split()[0] for place, _ in lit}


def value(page: Page, figure: str) -> tuple[float, float]:
    """The middle of the sampler's value in a figure, scrolled into view."""
    marks = page.locator(f"figure.{figure} svg.wide [data-samplers='[\"{LABEL}\"]'] use")
    marks.first.scroll_into_view_if_needed()
    box = marks.last.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_value_that_is_pointed_at_tells_itself_and_is_found_everywhere(page: Page) -> None:
    page.mouse.move(*value(page, "metrics"))
    assert page.locator(".tip").inner_text().startswith(f"{LABEL}: ")
    assert places(page) >= {"figures", "metrics"}
    pale = "getComputedStyle(document.querySelector('svg [data-samplers]:not(.lit)')).opacity"
    page.wait_for_function(f"{pale} < 0.5")
    page.mouse.move(2, 2)
    assert places(page) == set()
    assert page.locator(".tip").text_content() == ""


def test_a_row_highlights_its_sampler_in_the_figures(page: Page) -> None:
    page.locator("#table tbody tr", has_text=LABEL).first.hover()
    assert "metrics" in places(page)


def test_a_tap_holds_and_the_next_one_lets_go(page: Page) -> None:
    page.touchscreen.tap(*value(page, "metrics"))
    assert page.locator(".tip").inner_text().startswith(LABEL)
    assert places(page)
    page.touchscreen.tap(2, 450)
    assert not places(page)


def test_the_words_go_with_their_value_when_the_page_is_scrolled(page: Page) -> None:
    page.touchscreen.tap(*value(page, "metrics"))
    tip = page.locator(".tip")
    before = tip.bounding_box()
    page.evaluate("scrollBy(0, 40)")
    page.evaluate("new Promise(requestAnimationFrame)")  # the event comes with the next frame
    after = tip.bounding_box()
    assert before
    assert after
    assert (after["x"], after["y"]) == (before["x"], before["y"] - 40)


def test_arrows_go_from_value_to_value_and_from_row_to_row(page: Page) -> None:
    page.locator("figure.metrics svg.wide").first.focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".tip").inner_text()
    assert first
    page.keyboard.press("ArrowRight")
    assert page.locator(".tip").inner_text() not in ("", first)
    page.keyboard.press("Escape")
    assert page.locator(".lit").count() == 0
    page.locator("#table tbody th").first.focus()
    before = page.evaluate(LIT)
    page.keyboard.press("ArrowDown")
    assert page.evaluate(LIT) not in ([], before)


def test_no_id_stands_twice_and_every_one_that_is_used_is_there(page: Page) -> None:
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))
    used = page.evaluate(
        "[...document.querySelectorAll('svg use')].map(each => each.getAttribute('href').slice(1))"
    )
    assert used
    assert set(used) <= set(ids)


def test_a_print_shows_all(page: Page) -> None:
    page.mouse.move(*value(page, "metrics"))
    page.emulate_media(media="print")
    assert page.locator(".tip").is_hidden()
    page.wait_for_function(
        "[...document.querySelectorAll('svg [data-samplers]')]"
        ".every(each => getComputedStyle(each).opacity === '1')"
    )
