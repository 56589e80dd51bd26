"""The report in a real browser: Chromium without a window, spoken to over its debugging pipe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from nextchar import results
from nextchar.plots import draw_all
from nextchar.report.page import write_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"
)


class Browser:
    """Speaks the DevTools protocol: JSON messages ended by NUL, commands in, answers out."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-background-networking",
            "--disable-component-update",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]
        self._process = subprocess.Popen(
            # Chromium reads descriptor 3 and writes 4.
            ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._read = b""
        self._sent = 0
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The answer to a command; what else is said meanwhile goes to `events`."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._sent:
            self.events.append(answer)
        assert "error" not in answer, answer
        return dict(answer["result"])

    def wait_for(self, method: str, session: str) -> None:
        """Wait until an event has been said in a session."""
        while not any(
            event["method"] == method and event.get("sessionId") == session for event in self.events
        ):
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            read = os.read(self._in, 1 << 16)
            assert read, "the browser has ended"
            self._read += read
        message, _, self._read = self._read.partition(b"\0")
        return dict(json.loads(message))

    def close(self) -> None:
        """End it, and wait for the end."""
        os.close(self._out)
        os.close(self._in)
        self._process.terminate()
        self._process.wait()


@dataclass
class Page:
    """A report, loaded at some width."""

    browser: Browser
    session: str
    events: list[dict[str, Any]] = field(default_factory=list)

    def value(self, script: str) -> Any:
        """What an expression is in the page."""
        answer = self.browser.ask(
            "Runtime.evaluate",
            self.session,
            expression=script,
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def said(self, *methods: str) -> list[dict[str, Any]]:
        """Parameters of the events of these kinds so far."""
        return [
            event["params"]
            for event in self.browser.events
            if event.get("sessionId") == self.session and event["method"] in methods
        ]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.close()


def load(browser: Browser, report: Path, width: int) -> Page:
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        browser.ask(f"{domain}.enable", session)
    browser.ask(
        "Emulation.setDeviceMetricsOverride",
        session,
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    browser.ask("Page.navigate", session, url=report.as_uri())
    browser.wait_for("Page.loadEventFired", session)
    return Page(browser, session)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The tiny run's report, with texts in it that would take the page over."""
    run = results.read_run(tiny_run)
    folder = tmp_path_factory.mktemp("report")
    bits = tuple(1.0 for _ in HOSTILE)
    samples = [replace(each, text=HOSTILE, prompt_text=HOSTILE, bits=bits) for each in run.samples]
    manifest = {**run.manifest, "warnings": [HOSTILE], "name": HOSTILE}
    changed = replace(run, folder=folder, samples=samples, manifest=manifest)
    return write_report(changed, draw_all(changed, folder / results.PLOTS))


@pytest.fixture(scope="module")
def page(browser: Browser, tiny_run: Path) -> Page:
    loaded = load(browser, tiny_run / results.REPORT, width=1280)
    loaded.value("document.querySelectorAll('details.fold').forEach(fold => { fold.open = true; })")
    return loaded


@pytest.fixture(scope="module")
def hostile(browser: Browser, report: Path) -> Page:
    return load(browser, report, width=420)


def test_nothing_is_wrong_on_the_console(page: Page, hostile: Page) -> None:
    for each in (page, hostile):
        each.value("1")  # what was said before has been heard
        assert each.said("Runtime.exceptionThrown", "Runtime.consoleAPICalled") == []
        assert each.said("Log.entryAdded") == []


def test_nothing_is_fetched(page: Page, tiny_run: Path) -> None:
    asked = [event["request"]["url"] for event in page.said("Network.requestWillBeSent")]
    outside = [url for url in asked if not url.startswith("data:")]
    assert outside == [(tiny_run / results.REPORT).as_uri()]


def test_the_table_has_a_row_for_each_sampler_and_for_human_text(
    page: Page, tiny_run: Path
) -> None:
    tables = page.value(
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
    pictures = page.value(
        "[...document.querySelectorAll('figure img')].map(image =>"
        "[image.complete, image.naturalWidth, image.naturalHeight,"
        " image.getBoundingClientRect().width, image.getBoundingClientRect().height,"
        " image.alt.length])"
    )
    assert len(pictures) >= 3
    assert all(all(picture) for picture in pictures)
    marks = page.value(
        "[...document.querySelectorAll('#table svg')]"
        ".map(mark => mark.getBoundingClientRect().width)"
    )
    assert marks
    assert all(marks)


def test_the_text_of_a_sample_is_shown(page: Page, tiny_run: Path) -> None:
    shown = page.value(
        "[...document.querySelectorAll('article .text')].map(text => text.textContent)"
    )
    samples = results.read_samples(tiny_run / results.SAMPLES)
    assert {sample.text for sample in samples} <= set(shown)


def test_a_text_is_never_run(hostile: Page) -> None:
    assert "taken" not in hostile.value("document.title").split("·")[-1]
    assert hostile.value("document.title") != "taken"
    assert hostile.value("document.querySelectorAll('script').length") == 1
    assert hostile.value("document.querySelectorAll('img[src=x]').length") == 0
    shown = hostile.value("document.querySelector('article .text').textContent")
    assert shown == HOSTILE
    assert (
        hostile.value("document.querySelector('.notices p:last-child').textContent").strip()
        == HOSTILE
    )


@pytest.mark.parametrize(
    "width",
    [320, 420, 1280],
)
def test_the_page_is_as_wide_as_the_window(hostile: Page, width: int) -> None:
    hostile.browser.ask(
        "Emulation.setDeviceMetricsOverride",
        hostile.session,
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    assert hostile.value("innerWidth") == width
    assert hostile.value("document.documentElement.scrollWidth") <= width


def test_prompts_are_chosen_by_buttons(page: Page) -> None:
    pressed = "[...document.querySelectorAll('.prompt')].map(prompt => prompt.open)"
    before = page.value(pressed)
    assert sum(before) == 1
    page.value("document.querySelectorAll('.chooser div button')[1].click()")
    after = page.value(pressed)
    assert sum(after) == 1
    assert after.index(True) == 1


ROWS = (
    "[...document.querySelectorAll('#table tbody tr')].filter(row => !row.hidden)"
    ".map(row => row.cells[0].textContent.trim())"
)
VALUES = "[...document.querySelectorAll('#table tbody tr')].map(row => row.cells[1].textContent)"


def test_tables_sort_and_show_differences(page: Page) -> None:
    values = "[...document.querySelectorAll('#table tbody tr')].map(r => +r.cells[1].dataset.value)"
    before, shown = page.value(ROWS), page.value(VALUES)
    page.value("document.querySelectorAll('#table thead button')[1].click()")
    *sampled, _ = page.value(values)
    assert sampled == sorted(sampled)
    page.value("document.querySelectorAll('#table thead button')[1].click()")
    *sampled, human = page.value(values)
    assert sampled == sorted(sampled, reverse=True)
    assert page.value(ROWS)[-1] == "human"
    assert page.value("document.querySelector('#table .explain').textContent")
    page.value("document.querySelector('#table .tools button').click()")
    first = page.value(VALUES)[0]
    gap = sampled[0] - human
    assert abs(float(first.split()[0].replace("−", "-")) - gap) < 0.06
    page.value("document.querySelector('#table .tools button').click()")
    page.value("document.querySelectorAll('#table thead button')[0].click()")
    assert (page.value(ROWS), page.value(VALUES)) == (before, shown)


def test_a_link_unfolds_what_it_leads_to(browser: Browser, tiny_run: Path) -> None:
    loaded = load(browser, tiny_run / results.REPORT, width=420)
    folded = "document.querySelector('#definitions').open"
    assert loaded.value(folded) is False
    loaded.value("document.querySelector('nav a[href=\"#definitions\"]').click()")
    loaded.value("new Promise(done => setTimeout(done, 50))")
    assert loaded.value(folded) is True
