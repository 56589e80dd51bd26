"""The whole of metrics=full on a small grammar with an untrained model: laws across the metrics."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_module

from nextchar import config
from nextchar.data import corpus
from nextchar.experiment import compare
from nextchar.experiment.compare import Comparison
from nextchar.models.registry import build_model
from nextchar.results import HUMAN, HUMAN_TRAINING, JUDGE
from nextchar.samplers import build


@pytest.fixture(scope="module")
def compared() -> Comparison:
    config.register()
    overrides = ["experiment=smoke", "metrics=full", "corpus.characters=20000"]
    overrides += ["decoding.prompts=4", "decoding.length=40", "metrics.resamples=50"]
    with initialize_config_module(version_base="1.3", config_module="nextchar.conf"):
        asked = config.resolve(compose("config", overrides=overrides))
    text = corpus.load(asked.corpus)
    model = build_model(asked.model, len(text.vocabulary), 0)
    samplers = list(map(build, ["greedy", {"top_k": 1}, {"temperature": 1.0}, {"top_p": 1.0}]))
    return compare.compare(model, text, samplers, asked.decoding, asked.metrics, 0)


def figures(compared: Comparison, label: str) -> dict[str, tuple[float, float, float, int]]:
    return {
        row.metric: (row.value, row.low, row.high, row.n)
        for row in compared.metrics
        if row.sampler == label
    }


def test_equal_samplers_have_equal_figures_and_no_differences(compared: Comparison) -> None:
    for one, other in (("greedy", "top_k=1"), ("temperature=1", "top_p=1")):
        assert figures(compared, one) == figures(compared, other)
        pairs = [row for row in compared.differences if {row.first, row.second} == {one, other}]
        assert len(pairs) > 30
        assert all((row.difference, row.p, row.holm) == (0, 1, 1) for row in pairs)


def test_references_are_measured_and_never_compared(compared: Comparison) -> None:
    training = figures(compared, HUMAN_TRAINING)
    assert training["novel_8"][:3] == (0, 0, 0)
    assert training["longest_copy"][0] == 40
    assert training["unknown_words"][0] == 0
    assert {"judge_bits", "zipf", "divergence_5"} <= figures(compared, JUDGE).keys()
    named = {label for row in compared.differences for label in (row.first, row.second)}
    assert not named & {HUMAN, HUMAN_TRAINING, JUDGE}
    written = {sample.sampler for sample in compared.samples}
    assert HUMAN_TRAINING not in written
    assert JUDGE in written


def test_the_grammars_own_text_is_always_possible(compared: Comparison) -> None:
    human = figures(compared, HUMAN)
    assert human["possible_16"][:3] == (1, 1, 1)
    assert human["impossible_rate"][:3] == (0, 0, 0)
    assert {row.share for row in compared.possible if row.sampler == HUMAN} == {1.0}


def test_every_metric_lies_in_its_interval_and_its_bounds(compared: Comparison) -> None:
    for row in compared.metrics:
        if row.unit in ("share", "ratio"):
            assert -1e-12 <= row.value <= 1 + 1e-12, row
        if not row.metric.startswith(("zipf", "divergence_")):
            assert row.low - 1e-12 <= row.value <= row.high + 1e-12, row
