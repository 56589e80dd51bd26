"""The page of nextchar-play in a browser: Python's engine writes in it, with any model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from launching import Forked
from pages import Open, choose, select, settle, text
from playwright.sync_api import Browser, Page, expect
from serving import Served, slow_run

from nextchar import results
from nextchar.results import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, play: str) -> Path:
    folder = tmp_path_factory.mktemp("served")
    slow_run(folder, play)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return results.read_run((folder / "outputs" / "latest").resolve())


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    server = Served(folder)
    yield server
    assert server.end() == (130, "nextchar: interrupted\n")


@pytest.fixture
def page(visit: Open, served: Served) -> Iterator[Page]:
    opened = visit(served.address)
    opened.locator("#play").scroll_into_view_if_needed()
    settle(opened)
    yield opened
    opened.goto("about:blank")


def press(page: Page, name: str) -> None:
    page.locator(f"[data-play={name}]").click()


def fill(page: Page, name: str, value: str) -> None:
    page.locator(f"[data-play={name}]").fill(value)
    page.locator(f"[data-play={name}]").press("Tab")


def test_it_says_who_writes(page: Page) -> None:
    expect(page.locator("[data-play=served]")).to_be_visible()
    expect(page.locator("[data-play=served]")).to_contain_text("Python’s engine computes here")
    expect(page.locator("[data-play=alone]")).to_be_hidden()
    expect(page.locator("#table table")).to_be_visible()  # in the run's own page, with all of it
    assert page.evaluate("nextchar.ready") == {"model": True, "precision": None, "missing": None}


def test_every_sampler_and_search_writes_the_run_s_texts_again(page: Page, run: Run) -> None:
    page.locator("[data-prompt='2']").click()
    labels = [label for label in run.samplers if label != "human"]
    assert labels == ["greedy", "temperature=0.7 top_p=0.9", "slow best_of=4", "slow"]
    for label in labels:
        choose(page, "a", label)
        shown = "writes with it" if label.startswith("slow") else "Applied from top to bottom"
        expect(page.locator("[data-play=sliders]")).to_contain_text(shown)
        (stored,) = (e for e in run.samples if (e.sampler, e.prompt) == (label, 2))
        assert text(page) == stored.text
        press(page, "write")
        assert text(page) == stored.text
        expect(page.locator("[data-play=about-a]")).to_contain_text("written here, as in the run")


def test_the_explorer_and_the_sliders_act_on_the_server_s_logits(page: Page, run: Run) -> None:
    choose(page, "a", "temperature=0.7 top_p=0.9")
    select(page, 7)
    sample = next(e for e in run.samples if e.sampler == "temperature=0.7 top_p=0.9")
    logits = page.evaluate("text => nextchar.logits(text)", sample.prompt_text + sample.text[:7])
    likeliest = sorted(range(len(logits)), key=lambda index: -logits[index])
    shown = page.locator(".candidates li").evaluate_all("all => all.map(each => +each.dataset.id)")
    assert shown[:5] == likeliest[:5]
    assert page.locator(".draws li").count() == 2  # those that the page can compute
    page.locator("[data-play=sliders] li[data-name=top_p] input").fill("0.05")
    expect(page.locator(".choice-facts .a + dd")).to_contain_text("keeps 1,")


def test_a_prompt_of_one_s_own_is_continued_as_by_nextchar_sample(page: Page, folder: Path) -> None:
    choose(page, "a", "slow")
    choose(page, "b", "temperature=0.7 top_p=0.9")
    page.locator("[data-play=prompt]").fill("ANN:\nthe €")
    expect(page.locator("[data-play=unknown]")).to_contain_text("“€”")
    page.locator("[data-play=prompt]").fill("ANN:\nthe ")
    fill(page, "seed", "5")
    fill(page, "length", "40")
    press(page, "write")
    settle(page)
    for pane, spec in (("a", "slow"), ("b", "{temperature: 0.7, top_p: 0.9}")):
        asked = ("--prompt", "ANN:\nthe ", "--sampler", spec, "--length", "40", "--seed", "5")
        ended = Forked(folder, *asked, "--json", program="sample").wait()
        assert text(page, pane) == json.loads(ended.out)["text"]


def test_steps_and_a_branch_write_what_writing_writes(page: Page) -> None:
    fill(page, "seed", "7")
    choose(page, "a", "temperature=0.7 top_p=0.9")
    choose(page, "b", "slow best_of=4")
    page.locator("[data-play=prompt]").fill("BEN:\n")
    for place in range(1, 4):
        press(page, "step")
        assert len(text(page)) == place
        assert len(text(page, "b")) == 16  # a search is written whole
    stepped = text(page)
    press(page, "write")
    written = text(page)
    assert written.startswith(stepped)
    select(page, 4)
    page.locator(".candidates li:not(:has(.ring-a, .ring-ab)) .pick").first.click()
    branched = text(page)
    assert (branched[:4], len(branched)) == (written[:4], len(written))
    assert branched[4] != written[4]
    request = {"prompt": f"BEN:\n{branched[:5]}", "spec": "greedy", "length": 3}
    alone = page.evaluate("request => nextchar.write(request)", request)
    assert len(alone) == 3


def test_stop_ends_the_work_of_the_server(page: Page, served: Served) -> None:
    fill(page, "length", "1000")
    choose(page, "a", "slow")
    before = served.choices
    press(page, "write")
    page.wait_for_function(
        "document.querySelector('[data-play=pane-a] .text').childElementCount > 20"
    )
    press(page, "stop")
    stopped = text(page)
    assert 20 < len(stopped) < 1000
    length = page.evaluate("nextchar.write({ prompt: 'a', spec: 'greedy', length: 3 })")
    assert len(length) == 3  # so the first writing has ended
    assert served.choices < before + 900
    fill(page, "length", str(len(stopped) + 5))
    press(page, "write")
    assert text(page).startswith(stopped)
    assert len(text(page)) == len(stopped) + 5


def test_a_second_page_is_told_that_the_model_writes(browser: Browser, served: Served) -> None:
    page = browser.new_page()  # whose console may say that it was refused
    page.goto(served.address)
    with served.writing(prompt=[1], spec="slow", count=1000):
        refused = page.evaluate(
            "nextchar.write({ prompt: 'a', spec: 'greedy' }).catch((error) => error.message)"
        )
    page.close()
    assert refused == "the model is writing another text; try again when it is finished"


def test_a_server_that_has_ended_is_said(browser: Browser, folder: Path) -> None:
    server = Served(folder)
    page = browser.new_page()
    page.goto(server.address)
    write = "nextchar.write({ prompt: 'a', spec: 'slow', length: 1000 }).catch((e) => e.message)"
    page.evaluate(f"() => {{ window.during = {write}; }}")
    before = server.choices
    while server.choices == before:
        page.wait_for_timeout(10)
    assert server.end() == (130, "nextchar: interrupted\n")
    for asked in ("during", write):
        assert page.evaluate(asked) == "the server has ended: start it again"
    page.close()
