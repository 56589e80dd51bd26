"""The samplers of the page have the distributions of Python's, on a file that Python writes.

The largest difference allowed is 1e-9, on every kind of logits, ties, -inf and extremes included.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pages import Open
from playwright.sync_api import Page
from shapes import V

from nextchar import results
from nextchar.samplers import Sampler, build
from nextchar.samplers.decoder import registered

SPECS: tuple[Any, ...] = (
    "greedy",
    *({"temperature": t} for t in (0, 1e-300, 0.3, 1, 7.5, 1e300)),
    *({"top_k": k} for k in (1, 2, 5, V, 1000)),
    *({"top_p": p} for p in (1e-9, 0.3, 0.9, 0.999, 1)),
    *({"min_p": p} for p in (0, 0.01, 0.3, 1)),
    *({"typical": m} for m in (0.05, 0.5, 0.95, 1)),
    *({"epsilon": e} for e in (0, 0.003, 0.125, 0.2, 0.9)),
    *({"eta": e} for e in (0, 0.003, 0.2, 0.9)),
    *({"top_n_sigma": n} for n in (0, 0.7, 2, 50)),
    *({"top_h": a} for a in (0.01, 0.45, 0.83, 1)),
    {"top_h": {"alpha": 0.45, "partial": True}},
    {"dynamic_temperature": 0.8},
    {"dynamic_temperature": {"temperature": 1.5, "range": 2, "exponent": 0.5}},
    {"dynamic_temperature": 0},
    {"xtc": 0.1},
    {"xtc": 0.125},
    {"xtc": {"threshold": 0.02, "probability": 1}},
    {"mirostat": 0.3},
    {"mirostat": 1.5},
    {"mirostat": {"target": 2, "rate": 0.5}},
    {"repetition_penalty": 1.3},
    {"repetition_penalty": {"penalty": 0.8, "window": 3}},
    {"frequency_penalty": 0.4},
    {"frequency_penalty": {"penalty": -0.4, "window": 4}},
    {"presence_penalty": 0.7},
    *({"no_repeat_ngram": n} for n in (1, 2, 3)),
    {"dry": 0.8},
    {"dry": {"multiplier": 0.5, "base": 3, "allowed": 1}},
    {"temperature": 0.7, "top_p": 0.95},
    {"top_p": 0.95, "temperature": 0.7},
    {"xtc": {"threshold": 0.05, "probability": 0.3}, "temperature": 0.7, "min_p": 0.1},
    {"repetition_penalty": 1.2, "mirostat": 1.1, "top_k": 4},
)
"""Each sampler at settings from one end to the other, and a few chains."""


def _kinds() -> Iterator[tuple[str, np.ndarray]]:
    """Logits [V] by kind."""
    dice = np.random.default_rng(5)
    for spread in (0.01, 1, 4, 30):
        yield f"normal {spread}", spread * dice.standard_normal(V)
    yield "tied", np.round(2 * dice.standard_normal(V))
    yield "all equal", np.zeros(V)
    yield "equal far from zero", np.full(V, -1e4)
    yield "eight of probability 1/8", np.array([0.0] * 8 + [-np.inf] * (V - 8))
    some = dice.standard_normal(V)
    some[::2] = -np.inf
    yield "half impossible", some
    one = np.full(V, -np.inf)
    one[3] = 2.5
    yield "one possible", one
    yield "enormous", 1e5 * dice.standard_normal(V)
    yield "two equal, one of them far", np.array([700.0, 700.0, *([-700.0] * (V - 2))])


def _golden(characters: str) -> list[dict[str, Any]]:
    """Every spec on every kind of logits after a text, with Python's distribution."""
    ids = np.random.default_rng(1).integers(0, 4, 30)
    text = "".join(characters[each] for each in ids)
    read = torch.from_numpy(ids)[None]
    cases = []
    for spec in SPECS:
        sampler = build(spec)
        for kind, logits in _kinds():
            rows = torch.from_numpy(logits)[None]
            state = sampler.start(read) if sampler.has_memory else None
            found = sampler.distribution(rows, state)[0]
            cases.append(
                {
                    "spec": spec,
                    "kind": kind,
                    "text": text,
                    "logits": [str(each) for each in logits],
                    "distribution": found.tolist(),
                }
            )
    return cases


@pytest.fixture(scope="module")
def page(visit: Open, tiny_run: Path) -> Page:
    return visit(tiny_run / results.REPORT)


def test_every_distribution_is_that_of_python(page: Page, tiny_run: Path, tmp_path: Path) -> None:
    characters = results.read_json(tiny_run / results.MANIFEST)["corpus"]["vocabulary"]
    golden = tmp_path / "golden.json"
    golden.write_text(json.dumps(_golden(characters)), encoding="utf-8")
    cases = json.loads(golden.read_text(encoding="utf-8"))
    found = page.evaluate(
        """cases => cases.map(({ logits, spec, text }) => nextchar.distribution(
            logits.map((each) => (each === "-inf" ? -Infinity : Number(each))), spec, text))""",
        cases,
    )
    for case, shares in zip(cases, found, strict=True):
        far = np.abs(np.array(shares) - np.array(case["distribution"])).max()
        assert far < 1e-9, (case["spec"], case["kind"], far)
        assert math.isclose(sum(shares), 1, abs_tol=1e-9)


def test_every_sampler_is_offered() -> None:
    tried = {name for spec in SPECS for name in ([spec] if isinstance(spec, str) else spec)}
    own = {
        name
        for name, kind in registered(Sampler).items()
        if kind.__module__.startswith("nextchar.samplers")
    }
    assert tried == own


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"top_p": 0}, "top_p"),
        ({"top_k": 2.5}, "whole"),
        ({"top_k": "5"}, "top_k"),
        ({"beam": 4}, "beam"),
        ({"constructor": 1}, "constructor"),
        ({"xtc": {"threshold": 0.1, "chance": 1}}, "chance"),
        ({"xtc": 0.1, "mirostat": 2}, "coin"),
        ({}, "top_k: 5"),
    ],
)
def test_what_is_no_sampler_is_an_error(page: Page, spec: Any, said: str) -> None:
    message = page.evaluate(
        "spec => { try { nextchar.distribution([0, 1], spec); } catch (e) { return e.message; } }",
        spec,
    )
    assert said in message


@pytest.mark.parametrize("logits", ["[0, NaN]", "[0, Infinity]", "[-Infinity]", "[]"])
def test_logits_that_are_no_distribution_are_an_error(page: Page, logits: str) -> None:
    message = page.evaluate(
        f"(() => {{ try {{ nextchar.distribution({logits}, 'greedy'); }}"
        " catch (e) { return e.message; } })()"
    )
    assert "logits" in message
