"""The explorer and the playground, by mouse, touch and keyboard."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from pages import Open, choose, matrices, model_page, select, settle, text, where
from playwright.sync_api import Page, expect
from shapes import random_model

from nextchar import results
from nextchar.config import TransformerConfig
from nextchar.report.play import weights
from nextchar.results import Run


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return results.read_run(tiny_run)


@pytest.fixture
def page(visit: Open, tiny_run: Path) -> Iterator[Page]:
    opened = visit(tiny_run / results.REPORT)
    opened.evaluate("nextchar.ready")
    opened.locator("#play").scroll_into_view_if_needed()
    settle(opened)
    yield opened
    opened.goto("about:blank")


def written(run: Run, sampler: str, prompt: int = 0) -> str:
    samples = (each for each in run.samples if (each.sampler, each.prompt) == (sampler, prompt))
    return next(samples).text


def test_the_run_s_texts_are_shown_with_their_bits(page: Page, run: Run) -> None:
    for label in run.samplers:
        choose(page, "a", label)
        assert text(page) == written(run, label)
    page.locator("[data-prompt='2']").click()
    assert text(page) == written(run, "human", 2)
    expect(page.locator("[data-play=prompt]")).to_have_value(run.samples[2].prompt_text)


def test_a_character_is_inspected_by_mouse(page: Page, run: Run) -> None:
    choose(page, "a", "greedy")
    select(page, 5)
    assert where(page).startswith("Place 6 of A")
    sample = next(each for each in run.samples if each.sampler == "greedy")
    assert f"{sample.bits[5]:.2f} bits" in where(page)
    best = page.locator(".candidates li").first
    assert best.locator(".ring-a, .ring-ab").count() == 1  # greedy takes the likeliest
    assert page.locator(".candidates .bar.a.cut").count() > 5
    assert page.locator(".candidates .star", has_text="★").count() <= 1


def test_the_shared_draw_goes_through_every_sampler(page: Page, run: Run) -> None:
    select(page, 0)
    page.wait_for_selector(".draws li")
    assert page.locator(".draws li").count() == len(run.samplers) - 1
    noise = float(page.locator(".draws").evaluate("list => list.style.getPropertyValue('--noise')"))
    key = (int(run.config["seed"]), 0, 0, 1)
    assert noise == pytest.approx(np.random.default_rng(key).random(), abs=1e-12)
    strip = page.locator(".draws .strip").first
    line = strip.evaluate(
        "strip => parseFloat(getComputedStyle(strip, '::after').left) / strip.clientWidth"
    )
    assert line == pytest.approx(noise, abs=0.01)
    # The character that is drawn is the one under the line.
    under = strip.evaluate(
        "(strip, noise) => { const box = strip.getBoundingClientRect();"
        " return [...strip.children].find((each) => {"
        "  const own = each.getBoundingClientRect(); const x = box.left + noise * box.width;"
        "  return own.left <= x && x <= own.right; }).className; }",
        noise,
    )
    assert under == "drawn"


def test_arrow_keys_walk_along_a_text(page: Page) -> None:
    page.locator("[data-play=pane-b] .text").focus()
    for key, place in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("Home", 1)):
        page.keyboard.press(key)
        expect(page.locator("[data-play=where]")).to_contain_text(f"Place {place} of B")
    page.keyboard.press("End")
    expect(page.locator("[data-play=where]")).to_contain_text("Place 16 of B")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    assert where(page).endswith("bits")


def test_touch_selects(visit: Open, tiny_run: Path) -> None:
    page = visit(tiny_run / results.REPORT, width=390, has_touch=True, is_mobile=True)
    page.locator("[data-play=pane-b] .text i").nth(4).tap()
    expect(page.locator("[data-play=where]")).to_contain_text("Place 5 of B")
    page.wait_for_selector(".candidates")
    page.locator("[data-play=next]").tap()
    expect(page.locator("[data-play=where]")).to_contain_text("Place 6 of B")
    page.locator("[data-play=previous]").tap()
    expect(page.locator("[data-play=where]")).to_contain_text("Place 5 of B")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_sliders_act_on_the_selected_place_at_once(page: Page) -> None:
    choose(page, "a", "temperature=0.7 top_p=0.9")
    select(page, 3)
    facts = page.locator(".choice-facts .a + dd")
    before = facts.inner_text()
    page.locator("[data-play=sliders] li[data-name=top_p] input").fill("0.05")
    expect(facts).to_contain_text("keeps 1,")
    assert facts.inner_text() != before
    expect(page.locator("[data-play=sampler-a]")).to_have_value("temperature=0.7 top_p=0.05")
    page.locator("[data-play=sliders] select").select_option("top_k")
    expect(page.locator("[data-play=sampler-a]")).to_have_value(
        "temperature=0.7 top_p=0.05 top_k=10"
    )
    page.locator("[data-play=sliders] li[data-name=top_p] .remove").click()
    expect(page.locator("[data-play=sampler-a]")).to_have_value("temperature=0.7 top_k=10")


def test_an_order_that_can_t_be_is_refused(page: Page) -> None:
    choose(page, "a", "temperature=0.7 top_p=0.9")
    add = page.locator("[data-play=sliders] select")
    add.select_option("xtc")
    expect(page.locator("[data-play=sliders] li")).to_have_count(3)
    add = page.locator("[data-play=sliders] select")
    add.select_option("mirostat")
    expect(page.locator("[data-play=message]")).to_contain_text("coin")
    expect(page.locator("[data-play=sliders] li")).to_have_count(3)


def test_the_order_of_samplers_is_dragged_or_moved_by_keys(page: Page) -> None:
    choose(page, "a", "temperature=0.7 top_p=0.9")
    shown = page.locator("[data-play=sampler-a]")
    handle = page.locator("[data-play=sliders] li[data-name=top_p] .handle")
    handle.scroll_into_view_if_needed()
    target = page.locator("[data-play=sliders] li[data-name=temperature]").bounding_box()
    start = handle.bounding_box()
    assert start is not None
    assert target is not None
    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(start["x"] + 5, target["y"] + 2, steps=4)
    page.mouse.up()
    expect(shown).to_have_value("top_p=0.9 temperature=0.7")
    page.locator("[data-play=sliders] li[data-name=top_p] .handle").focus()
    page.keyboard.press("ArrowDown")
    expect(shown).to_have_value("temperature=0.7 top_p=0.9")


def test_a_prompt_of_one_s_own(page: Page) -> None:
    page.locator("[data-play=prompt]").fill("ANN:\nthe €")
    expect(page.locator("[data-play=unknown]")).to_contain_text("“€”")
    expect(page.locator("[data-play=write]")).to_be_disabled()
    page.locator("[data-play=prompt]").fill("ANN:\nthe ")
    expect(page.locator("[data-play=unknown]")).to_be_empty()
    page.locator("[data-play=seed]").fill("5")
    page.locator("[data-play=length]").fill("40")
    page.locator("[data-play=length]").press("Tab")
    choose(page, "a", "greedy")
    page.locator("[data-play=prompt]").press("Control+Enter")
    settle(page)
    for pane in "ab":
        spec = page.locator(f"[data-play=sampler-{pane}]").input_value()
        spec = {"greedy": "greedy"}.get(spec, {"temperature": 0.7, "top_p": 0.9})
        alone = page.evaluate(
            "spec => nextchar.write({ prompt: 'ANN:\\nthe ', spec, seed: 5, length: 40 })", spec
        )
        assert text(page, pane) == alone


def test_steps_write_what_writing_writes(page: Page, run: Run) -> None:
    for place in range(1, 4):
        page.locator("[data-play=step]").click()
        settle(page)
        expect(page.locator("[data-play=where]")).to_contain_text(f"Place {place} of A")
        assert len(text(page)) == place
    page.locator("[data-play=write]").click()
    settle(page)
    label = page.locator("[data-play=sampler-a]").input_value()
    assert text(page) == written(run, label)
    expect(page.locator("[data-play=about-a]")).to_contain_text("as in the run")


def test_stop_and_a_hidden_tab_end_the_writing(visit: Open, tmp_path: Path) -> None:
    """The default model writes hundreds of characters per second: none of these ends by itself."""
    config = TransformerConfig()
    held = weights.embedded(matrices(random_model(config)), dataclasses.asdict(config), exact=True)
    page = visit(model_page(tmp_path, held))
    choose(page, "a", "greedy")
    page.locator("[data-play=length]").fill("1000")
    page.locator("[data-play=length]").press("Tab")
    page.locator("[data-play=write]").click()
    page.wait_for_function(
        "document.querySelector('[data-play=pane-a] .text').childElementCount > 9"
    )
    # The page answers while it writes.
    page.locator("[data-play=pane-a] .text i").nth(5).click()
    expect(page.locator("[data-play=where]")).to_contain_text("Place 6 of A")
    page.locator("[data-play=stop]").click()
    stopped = text(page)
    assert 9 < len(stopped) < 1000
    page.locator("[data-play=write]").click()
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    assert len(text(page)) < 1000
    page.evaluate(hide, False)
    page.locator("[data-play=length]").fill(str(len(stopped) + 30))
    page.locator("[data-play=length]").press("Tab")
    page.locator("[data-play=write]").click()
    request = {"prompt": "ab", "spec": "greedy", "length": len(text(page))}
    assert text(page) == page.evaluate("request => nextchar.write(request)", request)
    assert text(page).startswith(stopped)


def test_a_branch_and_the_link_that_brings_it_back(page: Page, visit: Open, tiny_run: Path) -> None:
    choose(page, "a", "temperature=0.7 top_p=0.9")
    select(page, 4)
    before = text(page)
    other = page.locator(".candidates li:not(:has(.ring-a, .ring-ab)) .pick").first
    chosen = other.locator(".glyph").inner_text()
    other.click()
    branched = text(page)
    assert branched[:4] == before[:4]
    assert branched[4] != before[4]
    assert branched[4] == {"␣": " ", "↵": "\n"}.get(chosen, chosen)
    assert len(branched) == len(before)
    page.locator("[data-play=link]").click()
    fragment = "#" + page.url.partition("#")[2]
    again = visit(tiny_run / results.REPORT, fragment)
    assert text(again) == branched
    assert text(again, "b") == text(page, "b")
    assert where(again) == where(page)


@pytest.mark.parametrize(
    "state",
    [
        "nonsense",
        json.dumps({"prompt": 10**9}),
        json.dumps({"prompt": "<b>", "seed": -1, "length": 1e9, "panes": [], "at": []}),
        json.dumps(
            {
                "prompt": 0,
                "seed": 0,
                "length": 9,
                "panes": [{"spec": {"beam": 1}}] * 2,
                "at": [0, 0],
            }
        ),
    ],
)
def test_a_link_that_says_nothing_is_refused(visit: Open, tiny_run: Path, state: str) -> None:
    page = visit(tiny_run / results.REPORT, "#play=" + quote(state))
    expect(page.locator("[data-play=message]")).to_contain_text("can’t be followed")
    assert text(page)


def test_the_parting_of_two_texts_is_marked(page: Page, run: Run) -> None:
    choose(page, "a", "greedy")
    choose(page, "b", "human")
    first, second = written(run, "greedy"), written(run, "human")
    pairs = enumerate(zip(first, second, strict=True))
    parting = next(place for place, (one, other) in pairs if one != other)
    expect(page.locator("[data-play=parting]")).to_contain_text(f"place {parting + 1}.")
    marks = page.locator("[data-play=pane-a] .text i").evaluate_all(
        "all => all.flatMap((each, i) => (each.classList.contains('parting') ? [i] : []))"
    )
    assert marks == [parting]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_can_be_read(visit: Open, tiny_run: Path, scheme: str) -> None:
    page = visit(tiny_run / results.REPORT, color_scheme=scheme)
    page.locator("[data-play=pane-a] .text i").first.click()
    page.wait_for_selector(".candidates")
    # WCAG contrast of text on what lies behind it.
    contrast = page.evaluate(
        """() => {
          const luminance = (color) => {
            const parts = color.match(/[\\d.]+/g).slice(0, 3).map(Number)
              .map((each) => (color.startsWith("color(") ? each : each / 255))
              .map((each) => (each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
          };
          const behind = (element) => {
            const own = getComputedStyle(element).backgroundColor;
            const clear = own === "rgba(0, 0, 0, 0)";
            return clear && element.parentElement ? behind(element.parentElement) : own;
          };
          return [...document.querySelectorAll(
            "#play .note, #play .glyph, #play .shares b, #play .draws .name, #play .strip .drawn,"
            + " #play h4, #play .about, #play .where, #play .steps .name")].map((element) => {
            const [a, b] = [getComputedStyle(element).color, behind(element)].map(luminance);
            return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.className];
          });
        }"""
    )
    assert len(contrast) > 20
    assert min(contrast)[0] >= 4.5, min(contrast)


def test_print_leaves_the_playground_out(page: Page) -> None:
    page.emulate_media(media="print")
    assert not page.locator("#play").is_visible()
    assert page.locator("article .text").first.is_visible()


def test_the_names_of_samplers_are_those_of_python(page: Page, run: Run) -> None:
    shown = page.locator("[data-play=sampler-a] option").all_inner_texts()
    assert set(run.samplers) == set(shown)
    assert not re.search("undefined", " ".join(shown))


def test_a_character_out_of_view_can_be_selected_too(visit: Open, tiny_run: Path) -> None:
    page = visit(tiny_run / results.REPORT)
    settle(page)
    page.evaluate("document.querySelectorAll('[data-play=pane-a] .text i')[2].click()")
    assert where(page).startswith("Place 3 of A")
