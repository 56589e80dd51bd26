"""Where report.html can't hold the model the explorer works, and the page says what doesn't."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pages import Open, choose, select
from playwright.sync_api import expect

from nextchar import results
from nextchar.data.corpus import Vocabulary
from nextchar.experiment.candidates import likeliest
from nextchar.models.base import LanguageModel
from nextchar.plots import Drawn
from nextchar.report.page import write_report
from nextchar.report.play import contents, weights
from nextchar.results import Candidates, Run


@pytest.fixture
def folder(tmp_path: Path, tiny_run: Path) -> Path:
    """A folder for a report, beside the tiny run's model."""
    (tmp_path / "models").symlink_to(tiny_run.parent.parent / "models")
    made = tmp_path / "runs" / "copied"
    made.mkdir(parents=True)
    return made


def _of_kind(run: Run, kind: str, **changes: Any) -> Run:
    config: Mapping[str, Any] = {**run.config, "model": {**run.config["model"], "kind": kind}}
    return replace(run, config=config, **changes)


def test_candidates_are_the_model_s_likeliest(
    trained: tuple[LanguageModel, str], tiny_run: Path, tmp_path: Path
) -> None:
    model, characters = trained
    samples = results.read_samples(tiny_run / results.SAMPLES)
    found = likeliest(model, Vocabulary(characters), samples)
    results.write_candidates(tmp_path / results.CANDIDATES, found)
    read = results.read_candidates(tmp_path / results.CANDIDATES)
    assert read is not None
    assert read.texts == found.texts
    assert set(read.texts) == {(each.sampler, each.prompt, 0) for each in samples}
    for row, key in enumerate(read.texts):
        sample = next(e for e in samples if (e.sampler, e.prompt, e.sample) == key)
        ids = Vocabulary(characters).encode(sample.prompt_text + sample.text)
        with torch.no_grad():
            logits = model(ids[None])[0, len(sample.prompt_text) - 1 : -1]
        bits = torch.log_softmax(logits.double(), -1).numpy() / -np.log(2)
        assert np.abs(np.sort(bits, axis=1)[:, :16] - read.bits[row]).max() < 1e-4
        of_ids = np.take_along_axis(bits, read.ids[row].astype(int), 1)
        assert np.abs(of_ids - read.bits[row]).max() < 1e-4


def test_the_explorer_works_on_candidates(
    visit: Open, trained: tuple[LanguageModel, str], tiny_run: Path, folder: Path
) -> None:
    model, characters = trained
    run = results.read_run(tiny_run)
    candidates = likeliest(model, Vocabulary(characters), run.samples)
    page = visit(write_report(_of_kind(run, "gpt2", folder=folder, candidates=candidates), Drawn()))
    expect(page.locator("[data-play=alone]")).to_contain_text("this model is gpt2")
    assert not page.locator("[data-play=write]").is_visible()
    choose(page, "a", "greedy")
    select(page, 7)
    row = candidates.texts.index(("greedy", 0, 0))
    shown = page.locator(".candidates li").evaluate_all("all => all.map(each => +each.dataset.id)")
    assert shown[:12] == candidates.ids[row, 7, :12].tolist()
    assert page.locator(".draws li").count() == len(run.samplers) - 1
    assert "gpt2" in page.evaluate(
        "(() => { try { nextchar.logits('a'); } catch (error) { return error.message; } })()"
    )


def test_candidates_take_less_than_a_megabyte(tiny_run: Path, folder: Path) -> None:
    texts = [("greedy", row, 0) for row in range(240)]
    many = np.zeros((240, 256, 16))
    run = _of_kind(results.read_run(tiny_run), "gpt2", folder=folder)
    small = write_report(run, Drawn()).stat().st_size
    held = replace(run, candidates=Candidates(texts, many, many))
    assert write_report(held, Drawn()).stat().st_size - small < 1_000_000


@pytest.mark.parametrize("coarse", [1000, 10**9], ids=["not in the page", "int8 in the page"])
def test_the_exact_model_lies_beside_the_page(
    visit: Open, tiny_run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, coarse: int
) -> None:
    run = results.read_run(tiny_run)
    monkeypatch.setattr(contents, "EXACT", 500)
    monkeypatch.setattr(weights, "EXACT", 500)
    monkeypatch.setattr(weights, "COARSE", coarse)
    page = visit(write_report(replace(run, folder=folder), Drawn()))
    assert page.evaluate("nextchar.ready")["precision"] == (None if coarse == 1000 else "int8")
    page.locator("[data-play=alone] a").click()
    page.wait_for_url(f"**/{results.PLAY}")
    assert page.evaluate("nextchar.ready") == {
        "model": True,
        "precision": "float32",
        "missing": None,
    }
    sample = next(each for each in run.samples if each.sampler == "greedy")
    request = {"prompt": sample.prompt_text, "spec": "greedy", "length": 16, "index": sample.prompt}
    assert page.evaluate("request => nextchar.write(request)", request) == sample.text


def test_a_model_that_is_gone_is_said(tiny_run: Path, tmp_path: Path) -> None:
    run = replace(results.read_run(tiny_run), folder=tmp_path / "runs" / "alone")
    run.folder.mkdir(parents=True)
    page = write_report(run, Drawn()).read_text(encoding="utf-8")
    assert "folder was gone" in page


def test_a_run_of_an_older_version_has_no_playground(tiny_run: Path, folder: Path) -> None:
    run = results.read_run(tiny_run)
    corpus = {k: each for k, each in run.manifest["corpus"].items() if k != "vocabulary"}
    old = replace(run, folder=folder, manifest={**run.manifest, "corpus": corpus})
    assert 'id="play"' not in write_report(old, Drawn()).read_text(encoding="utf-8")
