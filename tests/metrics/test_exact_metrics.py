"""Exact metrics on held-out text: identities, closed forms, one slow computation beside."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextchar.config import TransformerConfig
from nextchar.metrics import positions
from nextchar.metrics.catalog import defined
from nextchar.metrics.estimators import BLOCKS, PROMPTS, RatioEstimator, cluster_weights, figures
from nextchar.metrics.positions import Distributions, Positions, position_sums
from nextchar.models.base import LanguageModel
from nextchar.models.cache import Cache
from nextchar.models.transformer import Transformer
from nextchar.samplers import (
    GreedySampler,
    NoRepeatNgramSampler,
    NucleusSampler,
    RepetitionPenaltySampler,
    Sampler,
    TemperatureSampler,
    TopKSampler,
)
from nextchar.training.evaluation import evaluate

V = 7


class Fixed(LanguageModel):
    """The same logits at every position, whatever was read: `logits` [V]."""

    def __init__(self, logits: list[float], context: int = 5) -> None:
        super().__init__()
        self.context = context
        self.logits = nn.Parameter(torch.tensor(logits), requires_grad=False)

    def forward(self, ids: Tensor) -> Tensor:
        return self.logits.expand(*ids.shape, -1)

    def prefill(self, ids: Tensor) -> tuple[Tensor, Cache]:
        raise NotImplementedError

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        raise NotImplementedError


def ids(length: int, seed: int = 0, below: int = V) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, below, length))


def transformer(context: int = 8) -> Transformer:
    shape = TransformerConfig(
        layers=1,
        width=16,
        heads=2,
        key_value_heads=1,
        context=context,
        feedforward=2,
        lookback=2,
        dropout=0.0,
        logit_cap=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = Transformer(shape, V)
        nn.init.normal_(model.head.weight, std=0.6)
    return model


def read(model: LanguageModel, validation: Tensor, blocks: int, epsilon: float = 1e-4) -> Positions:
    return positions.read(model, validation, most=10**6, blocks=blocks, epsilon=epsilon)


def exact_sums(samplers: list[Sampler], at: Positions) -> list[RatioEstimator]:
    return position_sums(defined(kinds=("positions",)), samplers, at.chunks(), at.count)


def values(
    model: LanguageModel, sampler: Sampler, validation: Tensor, epsilon: float = 1e-4
) -> dict[str, float]:
    at = read(model, validation, 4, epsilon)
    return {each.metric: each.value for each in exact_sums([sampler], at)}


@pytest.mark.parametrize("epsilon", [1e-6, 1e-4, 0.1])
def test_a_uniform_model_has_perplexity_v_whatever_epsilon(epsilon: float) -> None:
    found = values(Fixed([0.5] * V), TemperatureSampler(1.0), ids(101), epsilon)
    assert found["epsilon_perplexity"] == pytest.approx(V, rel=1e-12)
    assert found["entropy_on_human"] == pytest.approx(math.log2(V), rel=1e-12)


@pytest.mark.parametrize(
    "sampler", [TemperatureSampler(1.0), NucleusSampler(1.0), TopKSampler(V), TopKSampler(V + 9)]
)
def test_a_sampler_that_is_the_model_diverges_from_nothing(sampler: Sampler) -> None:
    found = values(transformer(), sampler, ids(200))
    for name in ("cut_mass", "total_variation", "divergence_from_model"):
        assert found[name] == pytest.approx(0.0, abs=1e-12)
    assert found["recall"] == 1.0
    assert found["kept_on_human"] == V


def test_pure_sampling_has_the_perplexity_of_the_validation_loss() -> None:
    model, validation = transformer(), ids(8 * 20 + 1)
    found = values(model, TemperatureSampler(1.0), validation, epsilon=1e-12)
    loss = evaluate(model, validation, model.context)
    assert found["epsilon_perplexity"] == pytest.approx(math.exp(loss), rel=1e-6)


@pytest.mark.parametrize("context", [8, 7])
def test_a_memory_is_that_of_the_window(monkeypatch: pytest.MonkeyPatch, context: int) -> None:
    """At each position, as if the window up to there had been read at once; in chunks that would
    cut windows."""
    monkeypatch.setattr(positions, "CHUNK", 20)
    model, validation = transformer(context=context), ids(61, below=3)
    at = read(model, validation, 4)
    sampler = RepetitionPenaltySampler(3.0, 4, NoRepeatNgramSampler(2, NucleusSampler(0.9)))
    chunks = list(at.chunks())
    assert len(chunks) > 1
    found = torch.cat([Distributions.of(sampler, each).probabilities for each in chunks])
    for position in range(len(at.targets)):
        first = position // context * context
        text = validation[None, first : position + 1]
        alone = sampler.distribution(at.logits[position, None], sampler.start(text))[0]
        torch.testing.assert_close(found[position], alone, atol=1e-12, rtol=0)
    assert (found == 0).any(1).double().mean() > 0.5  # the memory has mattered


def test_greedy_in_closed_form() -> None:
    p = torch.softmax(torch.tensor([2.0, 0, 0, 0, 0, 0, 0]).double(), 0)[0].item()
    validation = ids(101)
    right = (validation[1:] == 0).double().mean().item()
    epsilon = 1e-3
    found = values(Fixed([2.0] + [0.0] * 6), GreedySampler(), validation, epsilon)
    assert found["recall"] == pytest.approx(right)
    assert found["kept_on_human"] == 1
    assert found["cut_mass"] == pytest.approx(1 - p)
    assert found["total_variation"] == pytest.approx(1 - p)
    assert found["divergence_from_model"] == pytest.approx(-math.log2(p))
    assert found["entropy_on_human"] == 0
    bits = -(right * math.log2(1 + epsilon) + (1 - right) * math.log2(epsilon))
    assert found["epsilon_perplexity"] == pytest.approx(2 ** (bits + math.log2(1 + epsilon * V)))


def test_a_truncation_diverges_by_the_mass_that_it_keeps() -> None:
    model, validation = transformer(), ids(161)
    at = read(model, validation, 4)
    p = torch.softmax(at.logits.double(), -1)
    for sampler in (TopKSampler(2), NucleusSampler(0.6)):
        kept = (p * (sampler.distribution(at.logits) > 0)).sum(-1)
        found = values(model, sampler, validation)
        assert found["divergence_from_model"] == pytest.approx((-kept.log2()).mean().item())
        assert found["total_variation"] == pytest.approx(found["cut_mass"])
        assert found["cut_mass"] == pytest.approx((1 - kept).mean().item())


def test_every_quantity_against_a_slow_loop() -> None:
    torch.manual_seed(0)
    logits, x = torch.randn(40, V), ids(40)
    sampler, epsilon = TemperatureSampler(0.7, NucleusSampler(0.8)), 1e-2
    p, r = torch.softmax(logits.double(), -1).tolist(), sampler.distribution(logits).tolist()
    each = torch.arange(40)
    at = Positions(logits, x, each, each, epsilon, deciles=torch.zeros(40))
    chosen = Distributions(sampler.distribution(logits), at)
    found = [np.asarray(each.function(chosen)) for each in defined(kinds=("positions",))[:7]]
    for n in range(40):
        pairs = [(a, b) for a, b in zip(r[n], p[n], strict=True)]
        expected = [
            -math.log2((r[n][x[n]] + epsilon) / (1 + epsilon * V)),
            float(r[n][x[n]] > 0),
            sum(a > 0 for a, _ in pairs),
            sum(b for a, b in pairs if a == 0),
            sum(abs(a - b) for a, b in pairs) / 2,
            sum(a * math.log2(a / b) for a, b in pairs if a > 0),
            -sum(a * math.log2(a) for a, _ in pairs if a > 0),
        ]
        assert [float(each[n]) for each in found] == pytest.approx(expected, abs=1e-12)


def test_tenths_are_equal_and_go_from_sure_to_unsure() -> None:
    at = read(transformer(), ids(8 * 50 + 1), 4)
    sums = exact_sums([NucleusSampler(0.9)], at)
    tenths = [each for each in sums if each.metric.startswith("kept_in_decile_")]
    assert [each.denominators.sum() for each in tenths] == [40] * 10
    kept = [each.value for each in tenths]
    assert kept[0] < kept[-1]
    whole = next(each for each in sums if each.metric == "kept_on_human")
    assert np.mean(kept) == pytest.approx(whole.value)


def test_positions_are_bounded_spread_and_in_blocks() -> None:
    model, validation = Fixed([0.0] * V), ids(1003)
    at = read(model, validation, 10)
    assert at.logits.shape == (1000, V)
    assert torch.equal(at.targets, validation[1:1001])
    assert at.count == 10
    assert at.blocks.tolist() == sorted(at.blocks.tolist())
    few = positions.read(model, validation, most=50, blocks=100, epsilon=1e-4)
    assert len(few.targets) == 50
    assert few.count == 10
    assert few.starts[-1] > 900
    assert torch.equal(few.targets, validation[few.starts])


def test_chunks_do_not_change_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    model, validation = transformer(), ids(401)
    whole = values(model, NucleusSampler(0.7), validation)
    monkeypatch.setattr(positions, "CHUNK", 33)
    assert values(model, NucleusSampler(0.7), validation) == pytest.approx(whole)


def test_intervals_hold_their_value_and_a_perplexity_is_never_below_one() -> None:
    at = read(transformer(), ids(1601), 50)
    sums = exact_sums([NucleusSampler(0.7), TemperatureSampler(1.0)], at)
    assert {each.clusters for each in sums} == {BLOCKS}
    for row in figures(sums, cluster_weights({BLOCKS: at.count}, 400, 0)):
        assert row.low <= row.value <= row.high
        assert row.n == (160 if row.metric.startswith("kept_in") else 1600)
        if row.metric == "epsilon_perplexity":
            assert row.low > 1


def test_what_can_not_be_measured_has_no_row() -> None:
    empty = RatioEstimator("a", "m", "", np.zeros(3), np.zeros(3))
    assert math.isnan(empty.value)
    assert figures([empty], cluster_weights({PROMPTS: 3}, 10, 0)) == []
