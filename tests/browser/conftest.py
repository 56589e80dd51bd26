"""Pages in a real browser: the Chromium of this machine, without a window."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on the PATH")
    with sync_playwright() as playwright:
        # Root, as in containers, has no sandbox there.
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def visit(browser: Browser) -> Iterator[Open]:
    """`visit(file, width=1280)`: the file in a new page, which must never say a word on the console
    nor ask for anything but itself; further settings are those of a context."""
    pages: list[tuple[Page, str, list[str]]] = []

    def visited(path: Path, fragment: str = "", width: int = 1280, **context: Any) -> Page:
        page = browser.new_context(viewport={"width": width, "height": 900}, **context).new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url.partition("#")[0]))
        page.goto(path.as_uri() + fragment)
        pages.append((page, path.as_uri(), said))
        return page

    yield visited
    for page, address, said in pages:
        page.context.close()
        # What stands in the page is fetched from nowhere.
        own = ("data:", "blob:", address)
        assert [each for each in said if not each.startswith(own)] == []
