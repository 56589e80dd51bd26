"""What the tests of pages share: how they are opened, and pages with a model but without a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page

from nextchar.models.base import LanguageModel
from nextchar.plots import Drawn
from nextchar.report.page import write_page

Open = Callable[..., Page]
"""`visit(file, fragment, width=..., **settings of a context)`: the fixture of conftest.py."""

CHARACTERS = "abcdefghijk"

SETTLED = "document.querySelector('#play').getAttribute('aria-busy') === 'false'"


def settle(page: Page) -> None:
    """Wait until the playground has painted what was asked and no text is being written."""
    page.wait_for_function(SETTLED)


def choose(page: Page, pane: str, label: str) -> None:
    """Choose a sampler for a pane of the playground."""
    page.locator(f"[data-play=sampler-{pane}]").select_option(label)
    settle(page)


def select(page: Page, place: int, pane: str = "a") -> None:
    """Select a place of a text, until the explorer shows it."""
    page.locator(f"[data-play=pane-{pane}] .text i").nth(place).click()
    settle(page)
    page.wait_for_selector(".candidates")


def text(page: Page, pane: str = "a") -> str:
    """What stands in a pane, as it was written."""
    settle(page)
    return str(page.locator(f"[data-play=pane-{pane}] .text").text_content())


def where(page: Page) -> str:
    """What the explorer says of the selected place."""
    settle(page)
    return page.locator("[data-play=where]").inner_text()


def matrices(model: LanguageModel) -> dict[str, np.ndarray]:
    return {name: each.numpy() for name, each in model.state_dict().items()}


def model_page(folder: Path, model: dict[str, Any]) -> Path:
    """A page that holds a model over eleven characters, and one text of it."""
    texts = [{"sampler": "greedy", "sample": 0, "text": "abc", "bits": [1.0, 2.0, 3.0]}]
    play = {
        "vocabulary": CHARACTERS,
        "seed": 0,
        "samplers": [{"label": "greedy", "spec": "greedy"}],
        "prompts": [{"index": 0, "text": "ab", "texts": texts}],
        "model": model,
        "missing": None,
        "beside": None,
        "candidates": None,
    }
    return write_page(folder, "play/play.html.jinja", Drawn(), [], name="test", play=play)
