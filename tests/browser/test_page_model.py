"""The model in the page: its logits, its draws and its texts are those of Python.

float32 and float64 sums differ by 1e-5 at most here. A draw differs only where such a difference
carries a cumulative probability past the uniform number: about one character in a hundred thousand.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pages import CHARACTERS, Open, matrices, model_page
from playwright.sync_api import Page
from shapes import model_config, random_model

from nextchar import results
from nextchar.config import TransformerConfig
from nextchar.decoding import engine
from nextchar.decoding.engine import Row
from nextchar.models.base import LanguageModel
from nextchar.report.play import weights
from nextchar.samplers import build

SPECS: tuple[Any, ...] = (
    "greedy",
    {"temperature": 1},
    {"top_k": 3, "temperature": 1.4},
    {"typical": 0.7},
    {"mirostat": {"target": 1.5, "rate": 0.4}},
    {"repetition_penalty": {"penalty": 1.5, "window": 6}, "top_p": 0.9},
    {"frequency_penalty": 0.3},
    {"no_repeat_ngram": 3},
    {"dry": {"multiplier": 1, "allowed": 2}},
    {"xtc": 0.1, "top_h": 0.8},
)


def _logits(model: LanguageModel, ids: torch.Tensor) -> np.ndarray:
    """The logits [V] after ids [T], as generation would have them."""
    with torch.no_grad():
        logits, cache = model.prefill(ids[None, :2])
        for each in ids[2:]:
            logits = model.step(each[None], cache)
    return logits[0].numpy()


@pytest.mark.parametrize(
    "config",
    [
        model_config(),
        model_config(heads=2, key_value_heads=1, lookback=1, logit_cap=None),
        TransformerConfig(),
    ],
    ids=["tiny", "no cap, one head of keys", "default"],
)
def test_logits_are_those_of_python_past_the_context_too(
    visit: Open, tmp_path: Path, config: TransformerConfig
) -> None:
    model = random_model(config)
    held = weights.embedded(matrices(model), dataclasses.asdict(config), exact=True)
    page = visit(model_page(tmp_path, held))
    generator = torch.Generator().manual_seed(3)
    for length in (2, config.context, config.context + 5, 3 * config.context):
        ids = torch.randint(len(CHARACTERS), (length,), generator=generator)
        text = "".join(CHARACTERS[each] for each in ids)
        found = np.array(page.evaluate("text => nextchar.logits(text)", text))
        assert np.abs(found - _logits(model, ids)).max() < 1e-4


def test_int8_weights_are_rows_with_a_scale(visit: Open, tmp_path: Path) -> None:
    config = TransformerConfig()
    model = random_model(config)
    with torch.no_grad():
        model.get_parameter("head.weight")[2] = 0  # a row without a scale
    held = weights.embedded(matrices(model), dataclasses.asdict(config), exact=False)
    assert len(held["weights"]) < 4_000_000 / 3
    ids = torch.arange(30) % len(CHARACTERS)
    text = "".join(CHARACTERS[each] for each in ids)
    page = visit(model_page(tmp_path, held))
    found = np.array(page.evaluate("text => nextchar.logits(text)", text))
    with torch.no_grad():
        for parameter in model.parameters():
            scale = parameter.abs().amax(1, keepdim=True) / 127
            rounded = (parameter / scale).round()
            parameter.copy_((rounded * scale).nan_to_num())
    assert np.abs(found - _logits(model, ids)).max() < 1e-3


def test_the_draws_are_numpys(visit: Open, tmp_path: Path) -> None:
    """A model that finds every character equally likely writes its draws."""
    config = model_config()
    zeros = {name: 0 * each for name, each in matrices(random_model(config)).items()}
    page = visit(
        model_page(tmp_path, weights.embedded(zeros, dataclasses.asdict(config), exact=True))
    )
    for seed, index, sample in ((0, 0, 0), (7, 3, 1), (2**40 + 5, 63, 0), (2**32 - 1, 0, 9)):
        key = {"seed": seed, "index": index, "sample": sample, "length": 400, "prompt": "a"}
        text = page.evaluate("key => nextchar.write({ ...key, spec: { temperature: 1 } })", key)
        noise = engine.noise(seed, index, sample, 400)
        assert text == "".join(CHARACTERS[int(each)] for each in noise * len(CHARACTERS))


@pytest.fixture(scope="module")
def page(visit: Open, tiny_run: Path) -> Page:
    return visit(tiny_run / results.REPORT)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_the_same_seed_gives_the_same_text(
    page: Page, trained: tuple[LanguageModel, str], spec: Any
) -> None:
    model, characters = trained
    ids = {character: index for index, character in enumerate(characters)}
    prompts = ("ANN:\nthe king", "hills", "\n\n")
    length = 60  # past the context of 16
    for index, prompt in enumerate(prompts):
        read = torch.tensor([[ids[each] for each in prompt]])
        rows = [Row(0, index, 0)]
        read = read.expand(index + 1, -1)  # the row's prompt has this index
        texts = engine.generate(
            model, read, [build(spec)], rows, length=length, seed=11, on_progress=lambda _: None
        )
        written = page.evaluate(
            "request => nextchar.write(request)",
            {"prompt": prompt, "spec": spec, "seed": 11, "length": length, "index": index},
        )
        assert written == "".join(characters[each] for each in texts.ids[0].tolist())


def test_the_run_s_own_texts_are_written_again(page: Page, tiny_run: Path) -> None:
    run = results.read_run(tiny_run)
    specs = dict(zip(run.samplers, run.config["decoding"]["samplers"], strict=False))
    for sample in run.samples:
        if sample.sampler in specs:
            request = {
                "prompt": sample.prompt_text,
                "spec": specs[sample.sampler],
                "index": sample.prompt,
                "length": len(sample.text),
            }
            assert page.evaluate("request => nextchar.write(request)", request) == sample.text


def test_an_unknown_character_is_named(page: Page) -> None:
    for call in ("logits('the €')", "distribution([0, 1], 'greedy', '€')"):
        assert "€" in page.evaluate(
            f"(() => {{ try {{ nextchar.{call}; }} catch (error) {{ return error.message; }} }})()"
        )
    refused = "nextchar.write({ prompt: '€', spec: 'greedy' }).catch((error) => error.message)"
    assert "€" in page.evaluate(refused)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"prompt": "", "spec": "greedy"}, "at least one character"),
        ({"prompt": "a", "spec": "greedy", "seed": -1}, "-1"),
        ({"prompt": "a", "spec": {"top_p": 2}}, "top_p"),
    ],
)
def test_what_can_t_be_written_is_said(page: Page, request_: dict[str, Any], said: str) -> None:
    message = page.evaluate("asked => nextchar.write(asked).catch((e) => e.message)", request_)
    assert said in message


def test_the_page_is_ready(page: Page) -> None:
    assert page.evaluate("nextchar.ready") == {
        "model": True,
        "precision": "float32",
        "missing": None,
    }
