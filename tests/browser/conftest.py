"""Pages in a real browser: the Chromium of this machine, without a window."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import Open
from playwright.sync_api import Browser, Page, sync_playwright

from nextchar import results
from nextchar.config import TransformerConfig
from nextchar.models.base import LanguageModel
from nextchar.models.registry import build_model
from nextchar.training.trainer import load_weights

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")  # its event loop must not run below the tests of other files
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
    """`visit(file, width=1280)`: the file or address in a new page, which must never say a word on
    the console nor ask for anything but itself; further settings are those of a context."""
    pages: list[tuple[Page, str, list[str]]] = []

    def visited(path: Path | str, fragment: str = "", width: int = 1280, **context: Any) -> Page:
        address = path if isinstance(path, str) else path.as_uri()
        page = browser.new_context(viewport={"width": width, "height": 900}, **context).new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url.partition("#")[0]))
        page.goto(address + fragment)
        pages.append((page, address, said))
        return page

    yield visited
    for page, address, said in pages:
        page.context.close()
        # What stands in the page is fetched from nowhere.
        own = ("data:", "blob:", address, address.replace(results.REPORT, results.PLAY))
        assert [each for each in said if not each.startswith(own)] == []


@pytest.fixture(scope="session")
def trained(tiny_run: Path) -> tuple[LanguageModel, str]:
    """The tiny run's model, and its vocabulary."""
    manifest = results.read_json(tiny_run / results.MANIFEST)
    characters = manifest["corpus"]["vocabulary"]
    shape = results.read_run(tiny_run).config["model"]
    config = TransformerConfig(**shape)
    model = build_model(config, len(characters), seed=0)
    load_weights(model, tiny_run.parent.parent / "models" / manifest["model_id"], "last")
    return model.eval(), characters
