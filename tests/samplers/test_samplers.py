"""The samplers: laws first, then exact cases, then labml_nn's own as an independent voice.

V is the vocabulary's size; logits are drawn peaked, flat, tied and with -inf entries.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import labml_nn.sampling
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from labml_nn.sampling.greedy import GreedySampler as LabmlGreedy
from labml_nn.sampling.nucleus import NucleusSampler as LabmlNucleus
from labml_nn.sampling.temperature import TemperatureSampler as LabmlTemperature
from labml_nn.sampling.top_k import TopKSampler as LabmlTopK
from scipy import stats
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.decoding.registry import build_decoders
from nextchar.samplers import (
    GreedySampler,
    NucleusSampler,
    Sampler,
    TemperatureSampler,
    TopKSampler,
    build,
    draw,
)
from nextchar.samplers.operations import product_sum

# Few distinct values make ties common; -inf is a character that the model rules out.
values = st.one_of(
    st.floats(-30, 30), st.sampled_from([-math.inf, -2.0, 0.0, 1.0, 1.0 + 2**-40, 5.0])
)
rows = st.lists(values, min_size=1, max_size=20).filter(lambda row: max(row) > -math.inf)

samplers = st.one_of(
    st.just(GreedySampler()),
    st.floats(0, 20).map(TemperatureSampler),
    st.integers(1, 25).map(TopKSampler),
    st.floats(0, 1, exclude_min=True).map(NucleusSampler),
    st.tuples(st.floats(0.01, 5), st.floats(0.01, 1)).map(
        lambda two: TemperatureSampler(two[0], NucleusSampler(two[1]))
    ),
    st.tuples(st.floats(0.01, 1), st.integers(1, 25)).map(
        lambda two: NucleusSampler(two[0], TopKSampler(two[1]))
    ),
)


def tensor(row: list[float]) -> Tensor:
    return torch.tensor(row, dtype=torch.float64)


def of_probabilities(*probabilities: float) -> Tensor:
    return tensor(list(probabilities)).log()


@given(rows, samplers)
def test_a_distribution_is_one(row: list[float], sampler: Sampler) -> None:
    logits = tensor(row)
    probabilities = sampler.distribution(logits)
    assert probabilities.dtype == torch.float64
    assert (probabilities >= 0).all()
    assert probabilities.sum().item() == pytest.approx(1, abs=1e-12)
    assert (probabilities[logits == -torch.inf] == 0).all(), "support within the model's"


@given(rows, samplers)
def test_the_most_probable_character_is_always_kept(row: list[float], sampler: Sampler) -> None:
    logits = tensor(row)
    probabilities = sampler.distribution(logits)
    best = logits.argmax()
    assert probabilities[best] > 0
    assert probabilities[best] == probabilities.max()


@given(rows, samplers, st.floats(-5, 5))
def test_shifting_all_logits_changes_nothing(
    row: list[float], sampler: Sampler, shift: float
) -> None:
    shift = math.ldexp(round(shift), -1)  # exact in binary, so that ties stay ties
    logits = tensor([math.ldexp(round(math.ldexp(x, 8)), -8) if x > -math.inf else x for x in row])
    expected, found = sampler.distribution(logits), sampler.distribution(logits + shift)
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=0)


@given(rows, samplers)
def test_inputs_are_not_mutated_and_rows_are_independent(
    row: list[float], sampler: Sampler
) -> None:
    logits = torch.stack((tensor(row), tensor(row).flip(0), tensor(row)))
    before = logits.clone()
    probabilities = sampler.distribution(logits)
    assert torch.equal(logits, before)
    for each, alone in zip(probabilities, logits, strict=True):
        assert torch.equal(each, sampler.distribution(alone))
    assert torch.equal(sampler.distribution(logits[:, None])[:, 0], probabilities), "any shape"


@given(rows, st.integers(1, 25))
def test_top_k_keeps_exactly_k_of_the_largest(row: list[float], k: int) -> None:
    logits = tensor(row)
    kept = TopKSampler(k).distribution(logits) > 0
    assert kept.sum() == min(k, int((logits > -torch.inf).sum()))
    if kept.any() and not kept.all():
        assert logits[kept].min() >= logits[~kept].max()
    torch.testing.assert_close(
        TopKSampler(k, TopKSampler(k)).distribution(logits), TopKSampler(k).distribution(logits)
    )


@given(rows, st.floats(0, 1, exclude_min=True))
def test_a_nucleus_is_the_smallest_set_that_holds_p(row: list[float], p: float) -> None:
    logits = tensor(row)
    model = torch.softmax(logits, -1)
    kept = NucleusSampler(p).distribution(logits) > 0
    assert model[kept].sum() >= p - 1e-12
    if p < 1 and kept.sum() > 1:
        assert model[kept].sum() - model[kept].min() < p + 1e-12, "without the least, too little"


@given(rows)
def test_limits(row: list[float]) -> None:
    logits = tensor(row)
    greedy, model = GreedySampler().distribution(logits), torch.softmax(logits, -1)
    assert greedy.max() == 1
    for limit in (TemperatureSampler(0), TopKSampler(1), NucleusSampler(1e-12)):
        torch.testing.assert_close(limit.distribution(logits), greedy, atol=0, rtol=0)
    for identity in (
        TemperatureSampler(1),
        TopKSampler(len(row)),
        TopKSampler(10**9),
        NucleusSampler(1),
    ):
        torch.testing.assert_close(identity.distribution(logits), model, atol=1e-15, rtol=0)
    flat = TemperatureSampler(1e12).distribution(logits)
    possible = logits > -torch.inf
    torch.testing.assert_close(flat[possible], torch.full_like(flat, 1 / possible.sum())[possible])


def test_a_nucleus_of_one_keeps_the_thinnest_tail() -> None:
    """Cumulative sums reach 1 before the last character: rounding must not cut it off."""
    logits = torch.randn(1000, 65, generator=torch.Generator().manual_seed(0)) * 12
    assert (NucleusSampler(1).distribution(logits) > 0).all()


@given(rows, st.integers(1, 19), st.floats(0.05, 0.9))
def test_a_larger_parameter_keeps_no_less(row: list[float], k: int, p: float) -> None:
    logits = tensor(row)
    for smaller, larger in (
        (TopKSampler(k), TopKSampler(k + 1)),
        (NucleusSampler(p), NucleusSampler(p + 0.1)),
    ):
        fewer, more = smaller.distribution(logits) > 0, larger.distribution(logits) > 0
        assert (more | ~fewer).all()


@given(rows, st.floats(0.1, 5))
def test_a_lower_temperature_is_surer(row: list[float], temperature: float) -> None:
    def entropy(sampler: Sampler) -> float:
        return torch.special.entr(sampler.distribution(tensor(row))).sum().item()

    assert entropy(TemperatureSampler(temperature)) <= (
        entropy(TemperatureSampler(temperature * 1.5)) + 1e-9
    )


@given(st.permutations(range(9)), samplers)
def test_characters_have_no_names(order: list[int], sampler: Sampler) -> None:
    """Permuting distinct logits permutes the probabilities."""
    logits = tensor([2.0, 1.7, 1.1, 0.4, 0.3, -0.5, -1.0, -2.2, -4.0])
    torch.testing.assert_close(
        sampler.distribution(logits[order]), sampler.distribution(logits)[order], atol=1e-12, rtol=0
    )


def test_the_boundary_of_a_nucleus_with_exact_probabilities() -> None:
    logits = of_probabilities(1 / 2, 1 / 4, 1 / 8, 1 / 8)
    for p, kept in ((0.5, 1), (0.5 + 2**-30, 2), (0.75, 2), (0.875, 3), (0.9, 4), (1.0, 4)):
        assert (NucleusSampler(p).distribution(logits) > 0).sum() == kept, p


def test_ties_go_to_the_lower_id_everywhere() -> None:
    logits = tensor([1.0, 3.0, 3.0, 3.0, 0.0])
    assert GreedySampler().distribution(logits).tolist() == [0, 1, 0, 0, 0]
    assert TemperatureSampler(0).distribution(logits).tolist() == [0, 1, 0, 0, 0]
    assert TopKSampler(2).distribution(logits).tolist() == [0, 0.5, 0.5, 0, 0]
    assert (NucleusSampler(0.5).distribution(logits) > 0).tolist() == [False, True, True, 0, 0]


def test_ties_go_to_the_lower_id_in_long_rows_too() -> None:
    """Where a sort that is not stable would shuffle them."""
    tied = torch.zeros(3000, dtype=torch.float64)
    assert (TopKSampler(7).distribution(tied) > 0).nonzero().flatten().tolist() == list(range(7))
    nucleus = NucleusSampler(0.00995).distribution(tied) > 0
    assert nucleus.nonzero().flatten().tolist() == list(range(30))


def test_the_order_of_application_matters() -> None:
    logits = of_probabilities(0.5, 0.25, 0.125, 0.125)
    temper_then_cut = build({"temperature": 0.5, "top_p": 0.7})
    cut_then_temper = build({"top_p": 0.7, "temperature": 0.5})
    # Tempered: 16/22, 4/22, 1/22, 1/22, of which the first holds 0.7.
    assert temper_then_cut.distribution(logits).tolist() == [1, 0, 0, 0]
    torch.testing.assert_close(cut_then_temper.distribution(logits), tensor([0.8, 0.2, 0, 0]))


def test_a_tiny_temperature_does_not_overflow() -> None:
    found = TemperatureSampler(1e-308).distribution(tensor([700.0, 699.0, -700.0]))
    assert found.tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (GreedySampler(), LabmlGreedy()),
        (TemperatureSampler(0.7), LabmlTemperature(0.7)),
        (TopKSampler(3, TemperatureSampler(0.7)), LabmlTopK(3, LabmlTemperature(0.7))),
        (NucleusSampler(0.8, TemperatureSampler(1.5)), LabmlNucleus(0.8, LabmlTemperature(1.5))),
    ],
)
@pytest.mark.parametrize("kind", ["random", "tied", "ruled out"])
def test_equal_in_law_to_labml_nn(
    ours: Sampler, theirs: labml_nn.sampling.Sampler, kind: str
) -> None:
    """Chi-square on 20,000 of its draws; each of 12 tests fails by chance once in 10,000 times."""
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(12, generator=generator) * 2
    if kind == "tied":
        logits = logits.round()
        # labml_nn leaves it to torch.topk which of the tied at the edge are kept.
        logits[logits.argsort()[-3:]] += tensor([0.25, 0.5, 0.75]).float()
    if kind == "ruled out":
        logits[::3] = -torch.inf
    expected = ours.distribution(logits)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        drawn = theirs(logits.expand(20_000, -1))
    counts = torch.bincount(drawn, minlength=12).double()
    possible = expected > 1e-12
    assert counts[~possible].sum() == 0
    if possible.sum() > 1:
        result = stats.chisquare(counts[possible], expected[possible] * 20_000)
        assert result.pvalue > 1e-4


def test_our_sampler_hands_its_logits_to_any_inner_one() -> None:
    seen = []

    def inner(logits: Tensor) -> Tensor:
        seen.append(logits)
        return logits.argmax(-1)

    sampler = TopKSampler(2, inner)
    logits = torch.tensor([[0.5, 2.0, 1.0, -1.0]])
    assert sampler(logits).tolist() == [1]
    assert seen[0].tolist() == [[-math.inf, 2.0, 1.0, -math.inf]]
    with pytest.raises(TypeError, match="no exact distribution"):
        sampler.distribution(logits)
    with torch.random.fork_rng():
        assert TopKSampler(1, LabmlTemperature(0.5))(logits).tolist() == [1]
        assert LabmlTopK(1, TemperatureSampler(0.5))(logits).tolist() == [1]
    assert isinstance(sampler, labml_nn.sampling.Sampler)


def test_draws_follow_the_distribution() -> None:
    """Chi-square over 200,000 draws; fails by chance once in a million times."""
    noise = torch.rand(200_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    probabilities = tensor([0.4, 0.0, 0.3, 0.2, 0.09, 0.01, 0.0])
    counts = torch.bincount(draw(probabilities.expand(len(noise), -1), noise), minlength=7)
    possible = probabilities > 0
    assert counts[~possible].sum() == 0
    found = stats.chisquare(counts[possible], probabilities[possible] * len(noise))
    assert found.pvalue > 1e-6


def test_the_edges_of_the_noise_never_choose_the_impossible() -> None:
    below_one = math.nextafter(1.0, 0.0)
    probabilities = torch.tensor([[0.0, 0.1, 0.0, 0.2, 0.3, 0.0]], dtype=torch.float64)
    for scale in (1.0, 1e-300, 1 / 0.6):
        assert draw(probabilities * scale, tensor([0.0])).item() == 1
        assert draw(probabilities * scale, tensor([below_one])).item() == 4


@given(st.floats(1e-300, 1e300))
def test_noise_below_one_never_rounds_up_to_the_whole_sum(total: float) -> None:
    below_one = math.nextafter(1.0, 0.0)
    assert draw(tensor([total, 0.0]), tensor([below_one])[0]) == 0


def test_drawing_is_monotone_in_the_noise_and_inverts_the_sum() -> None:
    probabilities = tensor([0.25, 0.5, 0.125, 0.125])
    noise = torch.arange(0, 1, 1 / 64, dtype=torch.float64)
    drawn = draw(probabilities.expand(64, -1), noise)
    assert torch.bincount(drawn).tolist() == [16, 32, 8, 8]
    assert (drawn.diff() >= 0).all()


def test_calling_without_noise_uses_torch_and_with_noise_does_not() -> None:
    logits = torch.zeros(50, 9)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        first = TemperatureSampler(1.0)(logits)
        torch.manual_seed(2)
        assert torch.equal(TemperatureSampler(1.0)(logits), first)
        assert not torch.equal(TemperatureSampler(1.0)(logits), first)
    state = torch.get_rng_state()
    TemperatureSampler(1.0)(logits, noise=torch.full((50,), 0.5))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: TemperatureSampler(-0.1), "temperature=-0.1: must be finite and at least 0"),
        (lambda: TemperatureSampler(math.nan), "temperature=nan"),
        (lambda: TemperatureSampler(math.inf), "temperature=inf"),
        (lambda: TopKSampler(0), "top_k=0: must be a whole number from 1 to 1,000,000,000"),
        (lambda: TopKSampler(2.5), "top_k=2.5"),  # type: ignore[arg-type]
        (lambda: NucleusSampler(0), r"top_p=0: must lie in \(0, 1\]"),
        (lambda: NucleusSampler(1.1), "top_p=1.1"),
        (lambda: NucleusSampler(math.nan), "top_p=nan"),
    ],
)
def test_parameters_out_of_bounds(make: Callable[[], Sampler], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([math.nan, 1.0], "NaN"),
        ([-math.inf, -math.inf], "no character to choose"),
        ([math.inf, 1.0], r"\+inf"),
    ],
)
@pytest.mark.parametrize("spec", ["greedy", {"temperature": 0.5}, {"top_k": 1}, {"top_p": 0.9}])
def test_logits_that_are_no_distribution(row: list[float], says: str, spec: object) -> None:
    with pytest.raises(ValueError, match=says):
        build(spec).distribution(torch.tensor([[0.0, 1.0], row]))  # type: ignore[arg-type]


class Broken(Sampler):
    """Without a name: not registered. Fails only where logits lie far apart."""

    value: float

    def warp(self, logits: Tensor) -> Tensor:
        return logits.masked_fill(logits.amax(-1, keepdim=True) - logits > 10, self.value)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("inner", [None, TopKSampler(2), TemperatureSampler(0.5)])
def test_a_warp_that_breaks_is_an_error_at_once_and_named(
    value: float, inner: Sampler | None
) -> None:
    sampler = Broken(inner)
    logits = torch.tensor([[0.0, 1.0, 2.0]])
    sampler.value = value
    assert sampler.distribution(logits).isfinite().all()
    for outer in (sampler, TemperatureSampler(1, sampler)):
        with pytest.raises(ConfigError, match="the logits of Broken hold"):
            outer.distribution(torch.tensor([[0.0, 30.0, 50.0]]))


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        ("greedy", "greedy"),
        ({"temperature": 1}, "temperature=1"),
        ({"temperature": 0.7}, "temperature=0.7"),
        ({"temperature": 0.30000000000000004}, "temperature=0.30000000000000004"),
        ({"top_k": 5}, "top_k=5"),
        ({"temperature": 0.7, "top_p": 0.95}, "temperature=0.7 top_p=0.95"),
        ({"top_p": 0.95, "temperature": 0.7}, "top_p=0.95 temperature=0.7"),
    ],
)
def test_labels_are_derived_from_the_parameters(spec: object, label: str) -> None:
    assert build(spec).label == label  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("specs", "says"),
    [
        ([{"top_q": 5}], "no sampler is called 'top_q'"),
        ([{"top_k": "five"}], "top_k=five: write {top_k: NUMBER}"),
        ([{"top_k": True}], "write {top_k: NUMBER}"),
        ([{"greedy": 1}], "greedy=1: write greedy"),
        ([{}], "is no sampler"),
        ([5], "is no sampler"),
        (["temperature"], "write {temperature: NUMBER}"),
        ([{"top_k": 0}], "top_k=0"),
        ([{"top_k": 5}, {"top_k": 5.0}], "'top_k=5' is listed twice"),
    ],
)
def test_a_config_that_names_no_sampler(specs: list[object], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_decoders(specs, 1)  # type: ignore[arg-type]
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sums_by_a_product_are_the_running_sums() -> None:
    """Within rounding; to the bit where zero is added, so that nothing impossible is drawn."""
    generator = torch.Generator().manual_seed(0)
    x = torch.softmax(torch.randn(500, 65, generator=generator, dtype=torch.float64) * 5, -1)
    x = x.where(torch.rand(500, 65, generator=generator) < 0.5, 0.0)
    found = product_sum(x)
    torch.testing.assert_close(found, x.cumsum(-1), atol=1e-14, rtol=0)
    before = torch.nn.functional.pad(found[:, :-1], (1, 0))
    assert torch.equal(found[x == 0], before[x == 0])
    assert (found >= before).all()
