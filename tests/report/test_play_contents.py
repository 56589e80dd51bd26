"""What the page is given to play with."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from example_run import SAMPLERS, example_run

from nextchar.plots import Drawn
from nextchar.report.page import write_report
from nextchar.report.play import weights
from nextchar.results import Run


def _run(folder: Path, specs: list[Any]) -> Run:
    """An invented run whose samplers stand like this in its config."""
    run = example_run(folder)
    model = {**run.config["model"], "kind": "gpt2"}
    decoding = {**run.config["decoding"], "samplers": specs}
    corpus = {**run.manifest["corpus"], "vocabulary": "</script>&\u2028"}
    return replace(
        run,
        config={**run.config, "model": model, "decoding": decoding},
        manifest={**run.manifest, "corpus": corpus, "model_id": "none"},
    )


def _data(run: Run) -> dict[str, Any]:
    page = write_report(run, Drawn()).read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="play-data">(.*?)</script>', page)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_samplers_keep_their_order_of_application(tmp_path: Path) -> None:
    specs = [{"top_p": 0.9, "temperature": 0.7}, {"temperature": 0.7, "top_p": 0.9}]
    data = _data(_run(tmp_path, specs * 4))
    assert [each["label"] for each in data["samplers"]] == list(SAMPLERS)
    assert [list(each["spec"]) for each in data["samplers"][:2]] == [
        ["top_p", "temperature"],
        ["temperature", "top_p"],
    ]


def test_what_json_can_t_hold_leaves_the_page_whole(tmp_path: Path) -> None:
    run = _run(tmp_path, [{"top_n_sigma": math.inf}] * 8)
    first = run.samples[0]
    impossible = replace(first, bits=(math.inf, *first.bits[1:]))
    data = _data(replace(run, samples=[impossible, *run.samples[1:]]))
    assert {each["spec"] for each in data["samplers"]} == {None}
    assert data["vocabulary"] == "</script>&\u2028"
    bits = [each["bits"][0] for each in data["prompts"][0]["texts"]]
    assert max(bits) == 10_000


def test_int8_rows_are_within_half_a_step(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32)
    rows[2] = 0
    packed = weights._int8([rows, 100 * rows])
    scales = np.frombuffer(packed[-4 * 10 :], "<f4")
    steps = np.frombuffer(packed[: 5 * 7], "i1").reshape(5, 7)
    far = np.abs(steps * scales[:5, None] - rows)
    assert (far <= 0.5001 * np.abs(rows).max(1, keepdims=True) / 127).all()
    assert np.allclose(scales[5:], 100 * scales[:5])
    assert len(packed) == 72 + 40
