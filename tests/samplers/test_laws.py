"""Laws that every sampler without a memory obeys, and those that only some do."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from nextchar.samplers import Sampler, build, draw

INF = math.inf

CUTS: dict[str, list[float]] = {
    "top_k": [1, 2, 3, 5, 8],
    "top_p": [0.1, 0.5, 0.9, 0.99, 1],
    "min_p": [1, 0.5, 0.1, 0.01, 0],
    "typical": [0.1, 0.5, 0.9, 0.99, 1],
    "epsilon": [0.6, 0.2, 0.05, 0.001, 0],
    "eta": [0.6, 0.2, 0.05, 0.001, 0],
    "top_n_sigma": [0, 0.5, 1, 2, INF],
    "top_h": [0.1, 0.4, 0.7, 0.9, 1],
}
"""Samplers that keep a set and renormalise it; parameters from the smallest set to everything."""

SHAPES: list[dict[str, object]] = [
    {"temperature": 0.5},
    {"temperature": 2},
    {"dynamic_temperature": 1},
    {"dynamic_temperature": {"temperature": 0.8, "range": 0.8, "exponent": 2}},
    {"xtc": {"threshold": 0.1, "probability": 0.3}},
]
CHAINS: list[dict[str, object]] = [
    {"temperature": 0.7, "top_p": 0.9},
    {"top_p": 0.9, "temperature": 0.7},
    {"typical": 0.9, "min_p": 0.05, "temperature": 1.5},
    {"top_k": 5, "xtc": 0.2, "temperature": 0.5},
    {"xtc": 0.1, "top_k": 2},
]
ALL = [
    "greedy",
    *({name: value} for name, values in CUTS.items() for value in values),
    *SHAPES,
    *CHAINS,
]
LOSES_THE_BEST = ("typical", "xtc")
"""Samplers that may exclude the most probable character, by intention."""

grid = st.integers(-640, 640).map(lambda i: i / 64)
"""Logits on a grid: sums with whole numbers are exact, and ties happen."""
tied_rows = st.lists(st.one_of(grid, grid, st.just(-INF)), min_size=1, max_size=8).filter(
    lambda row: max(row) > -INF
)
distinct_rows = st.lists(grid, min_size=1, max_size=8, unique=True)


def tensor(row: list[float]) -> Tensor:
    return torch.tensor(row, dtype=torch.float64)


def support(sampler: Sampler, logits: Tensor) -> Tensor:
    return sampler.distribution(logits) > 0


def label(spec: object) -> str:
    return build(spec).label  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(spec=st.sampled_from(ALL), row=tied_rows, shift=st.integers(-1000, 1000))
def test_distribution_is_normal_possible_and_shift_invariant(spec, row, shift):
    sampler, logits = build(spec), tensor(row)
    before = logits.clone()
    chosen = sampler.distribution(logits)
    assert chosen.dtype == torch.float64
    assert (chosen >= 0).all()
    assert chosen.sum().item() == pytest.approx(1, abs=1e-12)
    assert not (chosen[logits == -INF] > 0).any()
    assert torch.equal(logits, before)
    # On the grid the shift is exact, so nothing may change at all.
    assert torch.equal(sampler.distribution(logits + shift), chosen)


@settings(max_examples=300, deadline=None)
@given(spec=st.sampled_from(ALL), row=distinct_rows, random=st.randoms(use_true_random=False))
def test_permuting_the_characters_permutes_the_probabilities(spec, row, random):
    sampler, logits = build(spec), tensor(row)
    order = list(range(len(row)))
    random.shuffle(order)
    permuted = sampler.distribution(logits[order])
    torch.testing.assert_close(permuted, sampler.distribution(logits)[order], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CUTS)
@settings(max_examples=40, deadline=None)
@given(row=tied_rows)
def test_a_cut_keeps_proportions_and_grows_with_its_parameter(name, row):
    logits = tensor(row)
    model = torch.softmax(logits, -1)
    smaller = torch.zeros(len(row), dtype=torch.bool)
    for value in CUTS[name]:
        sampler = build({name: value})
        chosen = sampler.distribution(logits)
        kept = sampler.warp(logits) > -INF
        torch.testing.assert_close(chosen, model * kept / (model * kept).sum(), rtol=0, atol=1e-12)
        assert kept.any()
        assert not (smaller & ~kept).any()
        smaller = kept
    assert torch.equal(smaller, logits > -INF) if name != "top_k" else len(row) <= 8
    assert torch.equal(build({name: CUTS[name][-1]}).distribution(logits), model)


@settings(max_examples=300, deadline=None)
@given(spec=st.sampled_from(ALL), row=tied_rows)
def test_greedy_is_among_every_support_but_for_two(spec, row):
    if isinstance(spec, dict) and any(name in spec for name in LOSES_THE_BEST):
        return
    logits = tensor(row)
    greedy = build("greedy")(logits[None])
    assert support(build(spec), logits)[greedy].all()


def test_typical_and_xtc_may_exclude_the_most_probable():
    # H = 1.75 bits; the best has one bit, the second two.
    logits = tensor([1 / 2, 1 / 4, 1 / 8, 1 / 8]).log()
    assert support(build({"typical": 0.2}), logits).tolist() == [False, True, False, False]
    xtc = build({"xtc": {"threshold": 0.2, "probability": 1}})
    assert support(xtc, logits).tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("name", "values"), [(name, CUTS[name]) for name in ("top_k", "min_p", "epsilon")]
)
@settings(max_examples=40, deadline=None)
@given(row=tied_rows)
def test_counts_and_thresholds_are_idempotent(name, values, row):
    for value in values:
        sampler = build({name: value})
        once = sampler.warp(tensor(row))
        assert torch.equal(sampler.warp(once), once)


@pytest.mark.parametrize("spec", [{"top_p": 0.6}, {"typical": 0.6}, {"top_h": 0.7}])
def test_cuts_that_measure_the_whole_are_not_idempotent(spec):
    """What is left is another distribution, whose own nucleus is smaller: said, not hidden."""
    sampler = build(spec)
    once = sampler.warp(tensor([1 / 2, 1 / 4, 1 / 8, 1 / 8]).log())
    twice = sampler.warp(once)
    assert ((twice > -INF) <= (once > -INF)).all()
    assert (twice > -INF).sum() < (once > -INF).sum()


@settings(max_examples=40, deadline=None)
@given(row=distinct_rows)
def test_limits(row):
    logits, size = tensor(row), len(row)
    greedy, model = build("greedy").distribution(logits), torch.softmax(logits, -1)
    for spec in (
        {"temperature": 0},
        {"temperature": 1e-5},
        {"dynamic_temperature": {"temperature": 0, "range": 0}},
        {"dynamic_temperature": {"temperature": 1e-5, "range": 0}},
        {"top_k": 1},
        {"top_p": 1e-300},
        {"min_p": 1},
        {"epsilon": 0.999999},
        {"top_n_sigma": 0},
        {"top_h": 1e-300},
    ):
        assert torch.equal(build(spec).distribution(logits), greedy), spec
    for spec in (
        {"temperature": 1},
        {"dynamic_temperature": {"temperature": 1, "range": 0}},
        {"top_k": size},
        {"top_p": 1},
        {"min_p": 0},
        {"typical": 1},
        {"epsilon": 0},
        {"eta": 0},
        {"top_n_sigma": INF},
        {"top_h": 1},
        {"xtc": {"threshold": 0.5, "probability": 0}},
    ):
        torch.testing.assert_close(build(spec).distribution(logits), model, rtol=0, atol=1e-14)
    flat = build({"temperature": 1e9}).distribution(logits)
    torch.testing.assert_close(flat, torch.full_like(flat, 1 / size), rtol=0, atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(row=tied_rows, temperature=st.sampled_from([0.25, 0.5, 2, 4]))
def test_top_n_sigma_keeps_the_same_at_any_temperature(row, temperature):
    sampler, logits = build({"top_n_sigma": 1}), tensor(row)
    assert torch.equal(support(sampler, logits), support(sampler, logits / temperature))


DYADIC = tensor([1 / 2, 1 / 4, 1 / 8, 1 / 8]).log()


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        ({"top_p": 0.5}, 1),
        ({"top_p": 0.5000001}, 2),
        ({"top_p": 0.75}, 2),
        ({"top_p": 0.875}, 3),
        ({"top_p": 0.8750001}, 4),
        ({"min_p": 0.5}, 2),
        ({"min_p": 0.5000001}, 1),
        ({"min_p": 0.25}, 4),
        ({"min_p": 0.2500001}, 2),
        ({"epsilon": 0.25}, 2),
        ({"epsilon": 0.2500001}, 1),
        ({"epsilon": 0.125}, 4),
        ({"epsilon": 0.9}, 1),
        ({"top_k": 3}, 3),
        # H = 1.2130 nats, exp(-H) = 0.2973: eta = sqrt(e) * 0.2973 where that is below e.
        ({"eta": 0.71}, 1),
        ({"eta": 0.70}, 2),
        ({"eta": 0.18}, 2),
        ({"eta": 0.17}, 4),
        ({"eta": 0.05}, 4),
    ],
    ids=str,
)
def test_boundaries_on_dyadic_probabilities(spec, kept):
    """Of (1/2, 1/4, 1/8, 1/8): what lies exactly on the edge stays, and ties follow their rule."""
    assert support(build(spec), DYADIC).tolist() == [True] * kept + [False] * (4 - kept)


def test_ties_are_counted_by_top_k_and_nucleus_and_share_their_fate_under_thresholds():
    flat = torch.zeros(4, dtype=torch.float64)
    for spec in ("greedy", {"top_k": 1}, {"top_p": 0.25}, {"typical": 0.25}):
        assert support(build(spec), flat).tolist() == [True, False, False, False]
    assert support(build({"top_p": 0.26}), flat).tolist() == [True, True, False, False]
    for spec in ({"min_p": 1}, {"epsilon": 0.9}, {"eta": 0.9}, {"top_n_sigma": 0}):
        assert support(build(spec), flat).all()


def test_typical_orders_by_distance_to_the_entropy():
    """H of (1/2, 1/4, 1/8, 1/8) is 1.75 bits: 2 bits are nearest, then 1, then 3."""
    kept = {
        mass: support(build({"typical": mass}), DYADIC).nonzero().flatten().tolist()
        for mass in (0.25, 0.26, 0.75, 0.76, 0.875, 0.876)
    }
    assert kept == {
        0.25: [1],
        0.26: [0, 1],
        0.75: [0, 1],
        0.76: [0, 1, 2],
        0.875: [0, 1, 2],
        0.876: [0, 1, 2, 3],
    }


def test_top_h_compares_entropies_or_their_parts():
    """Of 1.75 bits: normalised, two characters have 0.918 and three 1.379; in parts 1 and 1.375."""
    for alpha, partial, kept in (
        (0.52, False, 1),
        (0.53, False, 2),
        (0.78, False, 2),
        (0.79, False, 3),
        (0.57, True, 1),
        (0.58, True, 2),
        (0.78, True, 2),
        (0.79, True, 3),
    ):
        spec = {"top_h": {"alpha": alpha, "partial": partial}}
        assert support(build(spec), DYADIC).sum() == kept, spec


def test_top_n_sigma_by_hand():
    """(2, 1, 0, -1): sigma = sqrt(1.25); -inf is not counted."""
    logits = tensor([2, 1, 0, -1, -INF])
    for n, kept in ((0.89, 1), (0.90, 2), (1.78, 2), (1.79, 3), (2.68, 3), (2.69, 4)):
        assert support(build({"top_n_sigma": n}), logits).sum() == kept


def test_xtc_is_the_mixture_over_its_coin():
    def chosen(threshold: float, probability: float, **after: float) -> list[float]:
        spec = {"xtc": {"threshold": threshold, "probability": probability}, **after}
        return build(spec).distribution(DYADIC).tolist()

    assert chosen(0.25, 1) == pytest.approx([0, 1 / 2, 1 / 4, 1 / 4], abs=1e-15)
    assert chosen(0.25, 1 / 2) == pytest.approx([1 / 4, 3 / 8, 3 / 16, 3 / 16], abs=1e-15)
    assert chosen(0.2500001, 1) == pytest.approx([1 / 2, 1 / 4, 1 / 8, 1 / 8], abs=1e-15)
    # Of equals at the edge the higher id stays.
    assert chosen(0.125, 1) == pytest.approx([0, 0, 0, 1], abs=1e-15)
    # Each branch goes through what follows: a cut of the mixture would keep one character.
    assert chosen(0.25, 1 / 4, top_k=1) == pytest.approx([3 / 4, 1 / 4, 0, 0], abs=1e-15)


def test_dynamic_temperature_follows_the_entropy():
    def temperature(logits: Tensor, **parameters: float) -> float:
        spec = {"dynamic_temperature": {"temperature": 1, "range": 0.5, **parameters}}
        warped = build(spec).warp(logits)
        gap = (logits[0] - logits[1]) / (warped[0] - warped[1])
        return float(gap)

    share = 1.75 / 2
    assert temperature(DYADIC) == pytest.approx(0.5 + share)
    assert temperature(DYADIC, exponent=2) == pytest.approx(0.5 + share**2)
    assert temperature(DYADIC, range=3) == pytest.approx(4 * share)
    # Impossible characters are not counted among the n of ln n.
    more = torch.cat((DYADIC, tensor([-INF, -INF])))
    assert temperature(more) == pytest.approx(0.5 + share)


def test_order_of_application():
    """At p = 0.7 the nucleus of (1/2, 1/4, 1/8, 1/8) is two; tempered to (16, 4, 1, 1)/22, one."""
    temper_cut = build({"temperature": 0.5, "top_p": 0.7}).distribution(DYADIC)
    cut_temper = build({"top_p": 0.7, "temperature": 0.5}).distribution(DYADIC)
    assert temper_cut.tolist() == [1, 0, 0, 0]
    torch.testing.assert_close(cut_temper, tensor([4 / 5, 1 / 5, 0, 0]), rtol=0, atol=1e-15)


@pytest.mark.parametrize("spec", ALL, ids=label)
def test_rows_do_not_see_their_neighbours(spec):
    """Bitwise: a row's distribution in batches of 1, 7, 64 and 768, in any order."""
    logits = torch.from_numpy(np.random.default_rng(0).normal(0, 3, (768, 65)))
    sampler = build(spec)
    whole = sampler.distribution(logits)
    for size in (1, 7, 64):
        parts = [sampler.distribution(part) for part in logits[: 4 * size].split(size)]
        assert torch.equal(torch.cat(parts), whole[: 4 * size])
    order = torch.from_numpy(np.random.default_rng(1).permutation(768))
    assert torch.equal(sampler.distribution(logits[order]), whole[order])


CHI_SQUARE = 1e-6
"""False-failure probability of one sampler's chi-square test; with 50 of them 5e-5 in all."""


@pytest.mark.parametrize("spec", ALL, ids=label)
def test_draws_follow_the_distribution(spec):
    draws = 20_000
    logits = torch.from_numpy(np.random.default_rng(3).normal(0, 1.5, 12))
    chosen = build(spec).distribution(logits)
    noise = torch.from_numpy(np.random.default_rng(4).random(draws))
    ids = draw(chosen.expand(draws, -1), noise)
    counts = torch.bincount(ids, minlength=12).numpy()
    expected = chosen.numpy() * draws
    possible = expected > 0
    assert counts[~possible].sum() == 0
    if possible.sum() > 1:
        # Cells with fewer than five expected draws are pooled into one.
        rare = possible & (expected < 5)
        cells = [*np.flatnonzero(possible & ~rare)]
        observed = [*counts[cells], counts[rare].sum()] if rare.any() else [*counts[cells]]
        wanted = [*expected[cells], expected[rare].sum()] if rare.any() else [*expected[cells]]
        if len(observed) > 1:
            assert stats.chisquare(observed, wanted, sum_check=False).pvalue > CHI_SQUARE


def test_no_impossible_character_in_ten_million_draws():
    """Two characters of five are possible, their neighbours not; the noise reaches both ends."""
    chosen = build({"top_k": 2}).distribution(tensor([0, 1, -3, 2, -1]))
    generator = np.random.default_rng(5)
    ends = [0.0, np.nextafter(1, 0), 2.0**-53, 1 - 2.0**-30]
    for part in range(10):
        noise = generator.random(1_000_000)
        noise[: len(ends)] = ends
        ids = draw(chosen.expand(len(noise), -1), torch.from_numpy(noise))
        assert set(ids.unique().tolist()) == {1, 3}, part


@pytest.mark.parametrize(
    "spec",
    [
        {"min_p": 1.5},
        {"min_p": math.nan},
        {"typical": 0},
        {"epsilon": 1},
        {"eta": -0.1},
        {"top_n_sigma": -1},
        {"top_h": 0},
        {"top_h": {"alpha": 0.5, "parts": 1}},
        {"top_h": {"partial": True}},
        {"xtc": 0.6},
        {"xtc": {"threshold": 0.1, "probability": 2}},
        {"xtc": 0.1, "mirostat": 2},
        {"dynamic_temperature": -1},
        {"dynamic_temperature": {"temperature": 1, "exponent": 0}},
        {"top_k": INF},
        {"top_k": math.nan},
        {"top_k": 1e30},
        {"top_k": 10**400},
        {"temperature": 10**400},
        {"no_repeat_ngram": INF},
        {"dry": {"multiplier": 1, "allowed": INF}},
        {"dry": {"multiplier": 1, "base": 1e300}},
        {"mirostat": 1e300},
        {"repetition_penalty": {"penalty": 1.2, "window": math.nan}},
        {"repetition_penalty": {"penalty": 1.2, "window": 10**400}},
        {"repetition_penalty": 1e300},
        {"presence_penalty": 1e308},
        {"frequency_penalty": -1e308},
        {"dynamic_temperature": {"temperature": 1, "range": 1e308}},
        {"xtc": {"threshold": 0.1, "probability": None}},
        {"top_p": {"p": True}},
        {"frequency_penalty": 0.3, "_target_": "labml_nn.sampling.greedy.GreedySampler"},
        {"k": 3, "_target_": "nextchar.samplers.TopKSampler"},
        {"_target_": "nextchar.samplers.TopKSampler", "k": INF},
        {"_target_": "nextchar.samplers.StatefulSampler"},
        {"min_p": "0.1"},
        {"min_p": True},
        {"min_p": None},
        {"greedy": 1},
    ],
    ids=str,
)
def test_impossible_parameters_are_one_line(spec):
    with pytest.raises(ValueError, match=r"^decoding\.samplers: [^\n]+$"):
        build(spec)


def test_labels_are_derived_and_leave_defaults_out():
    assert label({"xtc": 0.1}) == "xtc=0.1"
    assert label({"xtc": {"threshold": 0.1, "probability": 0.5}}) == "xtc=0.1"
    assert label({"xtc": {"threshold": 0.1, "probability": 0.3}}) == "xtc=0.1,probability=0.3"
    assert label({"top_n_sigma": 1.0, "min_p": 0.05}) == "top_n_sigma=1 min_p=0.05"
    assert label({"top_h": {"alpha": 0.4, "partial": True}}) == "top_h=0.4,partial=1"
