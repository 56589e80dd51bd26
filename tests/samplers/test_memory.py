"""Samplers with a memory: by hand, against brute force, and in the engine."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from labml_nn.sampling.temperature import TemperatureSampler as LabmlTemperature
from torch import Tensor

from nextchar.config import ConfigError, TransformerConfig
from nextchar.decoding.engine import Row, Texts, generate, noise
from nextchar.models.transformer import Transformer
from nextchar.samplers import ExternalSampler, Sampler, build, draw
from nextchar.samplers.suffix_matches import Matches

V = 5
texts = st.lists(st.integers(0, 2), min_size=1, max_size=30)

SPECS = [
    {"mirostat": 2},
    {"mirostat": {"target": 1.5, "rate": 0.5}},
    {"repetition_penalty": 1.5},
    {"repetition_penalty": {"penalty": 1.5, "window": 4}},
    {"frequency_penalty": 0.3},
    {"presence_penalty": {"penalty": 0.5, "window": 6}},
    {"no_repeat_ngram": 2},
    {"dry": {"multiplier": 0.8, "allowed": 2}},
    {"temperature": 0.8, "mirostat": 1, "top_k": 3},
    {"frequency_penalty": 0.3, "xtc": 0.1},
    {"xtc": 0.1, "presence_penalty": 0.3},
]


def label(spec: object) -> str:
    return build(spec).label  # type: ignore[arg-type]


def random_logits(rows: int, size: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 2, (rows, size)))


def common_suffix(first: list[int], second: list[int]) -> int:
    length = 0
    while length < min(len(first), len(second)) and first[-1 - length] == second[-1 - length]:
        length += 1
    return length


@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_matches_are_common_suffixes(text):
    matches = Matches.of(torch.tensor([text]))
    assert matches.ids.tolist() == [text]
    assert matches.lengths.tolist() == [[common_suffix(text[:i], text) for i in range(len(text))]]


@settings(max_examples=60, deadline=None)
@given(text=texts, n=st.integers(1, 4))
def test_no_ngram_is_completed_twice(text, n):
    logits = torch.zeros(1, V, dtype=torch.float64)
    sampler = build({"no_repeat_ngram": n})
    kept = sampler.distribution(logits, sampler.start(torch.tensor([text])))[0] > 0
    grams = {tuple(text[i : i + n]) for i in range(len(text) - n + 1)}
    for character in range(V):
        known = len(text) >= n - 1 and (*text[len(text) - n + 1 :], character) in grams
        assert bool(kept[character]) is not known


def test_when_every_character_would_repeat_none_is_out():
    sampler = build({"no_repeat_ngram": 1})
    state = sampler.start(torch.tensor([[0, 1, 2]]))
    logits = torch.tensor([[1.0, 0.0, 2.0]])
    assert torch.equal(sampler.distribution(logits, state), torch.softmax(logits.double(), -1))


@settings(max_examples=60, deadline=None)
@given(text=texts, allowed=st.integers(1, 4))
def test_dry_grows_with_the_repetition(text, allowed):
    logits = random_logits(1, V)
    spec = {"dry": {"multiplier": 0.5, "base": 2, "allowed": allowed}}
    sampler = build(spec)
    expected = logits.clone()
    for character in range(V):
        lengths = [common_suffix(text[:i], text) for i, x in enumerate(text) if x == character]
        if lengths and max(lengths) >= allowed:
            expected[0, character] -= 0.5 * 2 ** (max(lengths) - allowed)
    found = sampler.distribution(logits, sampler.start(torch.tensor([text])))
    torch.testing.assert_close(found, torch.softmax(expected, -1), rtol=0, atol=1e-12)


def test_dry_stays_finite_in_the_longest_loop():
    sampler = build({"dry": {"multiplier": 1, "base": 10, "allowed": 1}})
    state = sampler.start(torch.zeros(1, 1000, dtype=torch.long))
    assert sampler.distribution(torch.zeros(1, 2), state).tolist() == [[0, 1]]
    alone = sampler.distribution(torch.tensor([[0.0, -math.inf]]), state)
    assert alone.tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"repetition_penalty": 2}, [1, -4, 3, 0]),
        ({"repetition_penalty": {"penalty": 2, "window": 1}}, [1, -2, 3, 0]),
        ({"frequency_penalty": 0.5}, [0.5, -2.5, 3, 0]),
        ({"frequency_penalty": {"penalty": 0.5, "window": 2}}, [1.5, -2.5, 3, 0]),
        ({"presence_penalty": 0.5}, [1.5, -2.5, 3, 0]),
        ({"presence_penalty": -1}, [3, -1, 3, 0]),
    ],
    ids=str,
)
def test_penalties_by_hand(spec, expected):
    """Read: 0, 0, 1, 0; logits 2, -2, 3, 0."""
    sampler = build(spec)
    logits = torch.tensor([[2.0, -2.0, 3.0, 0.0]])
    found = sampler.distribution(logits, sampler.start(torch.tensor([[0, 0, 1, 0]])))
    wanted = torch.softmax(torch.tensor([expected], dtype=torch.float64), -1)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-15)


def test_mirostat_by_hand():
    """Of (1/2, 1/4, 1/8, 1/8): surprises 1, 2, 3, 3 bits; mu starts at twice the target."""
    logits = torch.tensor([[1 / 2, 1 / 4, 1 / 8, 1 / 8]], dtype=torch.float64).log()
    sampler = build({"mirostat": {"target": 1.25, "rate": 0.5}})
    state = sampler.start(torch.zeros(1, 3, dtype=torch.long))
    assert state[0].tolist() == [2.5]
    assert sampler.distribution(logits, state)[0].tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0])
    # The surprise that counts is the model's: two bits, not log2(3) after the cut.
    after = sampler.advance(state, logits, torch.tensor([1]))
    assert after[0].tolist() == pytest.approx([2.5 - 0.5 * (2 - 1.25)])
    assert state[0].tolist() == [2.5]
    # Nothing is below mu: the best stays.
    low = (torch.tensor([0.5], dtype=torch.float64),)
    assert sampler.distribution(logits, low)[0].tolist() == [1, 0, 0, 0]


def test_mirostat_steers_the_surprise_to_its_target():
    """|mean surprise - target| = |mu_0 - mu_n| / (rate n), an identity; mu stays bounded."""
    target, rate, steps, rows = 3.0, 0.1, 2000, 4
    sampler = build({"mirostat": {"target": target, "rate": rate}})
    logits = random_logits(1, 30).expand(rows, -1)
    state = sampler.start(torch.zeros(rows, 1, dtype=torch.long))
    surprises = -torch.log_softmax(logits, -1) / math.log(2)
    generator, total = np.random.default_rng(2), torch.zeros(rows, dtype=torch.float64)
    for _ in range(steps):
        ids = draw(sampler.distribution(logits, state), torch.from_numpy(generator.random(rows)))
        total += surprises.gather(1, ids[:, None]).squeeze(1)
        state = sampler.advance(state, logits, ids)
    drift = (2 * target - state[0]) / (rate * steps)
    torch.testing.assert_close(total / steps - target, drift, rtol=0, atol=1e-9)
    assert (total / steps - target).abs().max() < 0.05


@pytest.mark.parametrize("spec", SPECS, ids=label)
def test_state_is_per_row_and_never_changed_in_place(spec):
    """Bitwise: rows stepped together and alone have the same distributions."""
    rows, size, steps = 7, 9, 12
    sampler = build(spec)
    prompts = torch.from_numpy(np.random.default_rng(0).integers(0, size, (rows, 5)))

    def trace(at: list[int]) -> Tensor:
        state, seen = sampler.start(prompts[at]), []
        for step in range(steps):
            logits = random_logits(rows, size, step)[at]
            chosen = sampler.distribution(logits, state)
            assert torch.equal(sampler.distribution(logits, state), chosen)
            assert chosen.sum(-1).tolist() == pytest.approx([1] * len(at), abs=1e-12)
            uniform = torch.from_numpy(np.random.default_rng(100 + step).random(rows))[at]
            ids = draw(chosen, uniform)
            following = sampler.advance(state, logits, ids)
            assert torch.equal(sampler.distribution(logits, state), chosen)
            state = following
            seen.append(chosen)
        return torch.stack(seen, 1)

    together = trace(list(range(rows)))
    assert torch.equal(torch.cat([trace([row]) for row in range(rows)]), together)
    assert torch.equal(trace([6, 2, 4]), together[[6, 2, 4]])


@pytest.mark.parametrize("spec", SPECS, ids=label)
def test_without_a_state_there_is_an_error_and_no_guess(spec):
    with pytest.raises(TypeError, match="remembers"):
        build(spec).distribution(random_logits(2, V))


CONFIG = TransformerConfig(
    layers=2,
    width=16,
    heads=2,
    key_value_heads=1,
    context=12,
    feedforward=2,
    lookback=2,
    dropout=0.0,
    logit_cap=15.0,
)


@pytest.fixture(scope="module")
def model() -> Transformer:
    """Random weights, so that the logits depend on everything before."""
    generator = torch.Generator().manual_seed(0)
    made = Transformer(CONFIG, 11)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, 0, 0.3, generator=generator)
    return made.eval()


def write(model: Transformer, samplers: list[Sampler], rows: list[Row]) -> Texts:
    prompts = torch.from_numpy(np.random.default_rng(0).integers(0, 11, (3, 6)))
    return generate(
        model, prompts, samplers, rows, length=20, seed=7, on_progress=lambda written: None
    )


LABML = {"_target_": "labml_nn.sampling.temperature.TemperatureSampler", "temperature": 1.0}


@pytest.mark.parametrize("spec", [*SPECS, LABML], ids=label)
def test_engine_gives_each_row_its_own_state(model, spec):
    """A text is the same beside other samplers and alone, bit for bit; and by hand."""
    sampler = build(spec)
    rows = [
        Row(which, prompt, sample) for which in (0, 1) for prompt in range(3) for sample in (0, 1)
    ]
    together = write(model, [build({"temperature": 1}), sampler], rows)
    alone = write(model, [sampler], [Row(0, 2, 1)])
    assert torch.equal(alone.ids[0], together.ids[-1])
    assert torch.equal(alone.bits[0], together.bits[-1])
    if sampler.exact:
        assert torch.equal(alone.entropy[0], together.entropy[-1])
    else:
        assert alone.entropy.isnan().all()
        assert alone.support_size.isnan().all()


def test_engine_follows_the_state_by_hand(model):
    sampler = build({"frequency_penalty": 0.5})
    written = write(model, [sampler], [Row(0, 1, 0)]).ids[0]
    prompt = torch.from_numpy(np.random.default_rng(0).integers(0, 11, (3, 6)))[1].tolist()
    uniform = noise(7, 1, 0, 20)
    with torch.no_grad():
        for t, chosen in enumerate(written.tolist()):
            read = [*prompt, *written[:t].tolist()]
            logits = model(torch.tensor([read]))[0, -1].double()
            logits -= 0.5 * torch.bincount(torch.tensor(read), minlength=11)
            assert draw(torch.softmax(logits, -1), torch.tensor(uniform[t])).item() == chosen


def test_no_repeat_ngram_holds_over_whole_texts(model):
    rows = [Row(0, prompt, sample) for prompt in range(3) for sample in range(4)]
    written = write(model, [build({"no_repeat_ngram": 2})], rows)
    prompts = torch.from_numpy(np.random.default_rng(0).integers(0, 11, (3, 6)))
    for row, ids in zip(rows, written.ids.tolist(), strict=True):
        text = [*prompts[row.prompt].tolist(), *ids]
        grams = list(pairwise(text))
        # Those of the prompt may have stood there twice before.
        assert all(grams.index(gram) == at for at, gram in enumerate(grams) if at >= 5)


def test_external_samplers_are_seeded_by_the_row_and_leave_torch_alone(model):
    sampler = build(LABML)
    assert isinstance(sampler, ExternalSampler)
    before = torch.random.get_rng_state()
    first = write(model, [sampler], [Row(0, 0, 0), Row(0, 0, 1), Row(0, 0, 0)])
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.ids[0], first.ids[2])
    assert not torch.equal(first.ids[0], first.ids[1])
    assert sampler.label == "labml_nn.TemperatureSampler temperature=1"


def test_external_samplers_nest_and_may_be_any_callable(model):
    spec = {"_target_": "labml_nn.sampling.top_k.TopKSampler", "k": 1, "sampler": LABML}
    assert label(spec) == "labml_nn.TopKSampler k=1 labml_nn.TemperatureSampler temperature=1"
    greedy = write(model, [build("greedy"), build(spec)], [Row(0, 0, 0), Row(1, 0, 0)])
    assert torch.equal(greedy.ids[0], greedy.ids[1])
    argmax = ExternalSampler(lambda logits: logits.argmax(-1), "argmax")
    assert torch.equal(write(model, [argmax], [Row(0, 0, 0)]).ids[0], greedy.ids[0])
    # One of ours around one of theirs: the cut is ours, the draw theirs.
    for mixed in (
        type(build({"top_k": 1}))(1, LabmlTemperature(1.0)),
        build({"min_p": 0.1, "top_k": 1, **LABML}),
    ):
        assert not mixed.exact
        assert torch.equal(write(model, [mixed], [Row(0, 0, 0)]).ids[0], greedy.ids[0])
    assert mixed.label == "min_p=0.1 top_k=1 labml_nn.TemperatureSampler temperature=1"
    with pytest.raises(ConfigError, match="no exact distribution"):
        type(build({"frequency_penalty": 1}))(1, sampler=LabmlTemperature(1.0))


def test_external_errors_are_one_line(model):
    for spec in ({"_target_": "nowhere.Nothing"}, {"_target_": "fractions.Fraction"}):
        with pytest.raises(ConfigError, match=r"^decoding\.samplers: [^\n]+$"):
            build(spec)
    wrong = ExternalSampler(lambda logits: logits, "wrong")
    with pytest.raises(ConfigError, match="one whole id per row, from 0 to 10"):
        write(model, [wrong], [Row(0, 0, 0)])
