"""Searches against exact enumeration on a tiny model, against each other, and row by row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from nextchar.config import (
    ConfigError,
    CorpusConfig,
    DecodingConfig,
    MetricsConfig,
    TransformerConfig,
)
from nextchar.data import corpus
from nextchar.decoding.engine import Row, generate
from nextchar.decoding.registry import build_decoder, build_decoders, try_decoders
from nextchar.decoding.search import Search, best_of
from nextchar.decoding.search.ngram_draft import SMOOTHING, NgramDraft
from nextchar.decoding.search.ragged import RaggedCache
from nextchar.decoding.search.stochastic_beam import conditioned
from nextchar.experiment import compare
from nextchar.models.transformer import Transformer
from nextchar.samplers import build

V, CONTEXT = 4, 5

FALSE_FAILURE = 1e-6
"""Of each chi-square test here; the seeds are fixed."""


MEASURED = MetricsConfig(
    level="core",
    resamples=20,
    positions=200,
    blocks=10,
    epsilon=1e-4,
    judge_order=3,
    frontier=False,
    frontier_window=8,
    frontier_clusters=8,
)


def transformer(vocabulary: int = V, spread: float = 0.5, width: int = 16) -> Transformer:
    """Random weights, wide enough apart that every character matters for the next."""
    config = TransformerConfig(
        layers=2,
        width=width,
        heads=2,
        key_value_heads=1,
        context=CONTEXT,
        feedforward=2,
        lookback=2,
        dropout=0.0,
        logit_cap=15.0,
    )
    generator = torch.Generator().manual_seed(3)
    made = Transformer(config, vocabulary)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, 0, spread, generator=generator)
    return made.eval()


@pytest.fixture(scope="module")
def model() -> Transformer:
    return transformer()


def prompts(count: int, length: int = 4, vocabulary: int = V) -> Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, vocabulary, (count, length)))


@torch.no_grad()
def law(model: Transformer, prompt: Tensor, length: int, spec: object = None) -> dict[tuple, float]:
    """The probability of each text [length] after the prompt, from uncached passes."""
    sampler = build(spec or {"temperature": 1})  # type: ignore[arg-type]
    texts = list(product(range(V), repeat=length))
    whole = torch.cat((prompt.expand(len(texts), -1), torch.tensor(texts)), 1)
    steps = sampler.distribution(model(whole)[:, len(prompt) - 1 : -1])
    chosen = steps.gather(-1, torch.tensor(texts)[..., None]).squeeze(-1).prod(1)
    return dict(zip(texts, chosen.tolist(), strict=True))


def write(model, spec, texts: Tensor, rows: Sequence[Row], length: int, train=None) -> Tensor:
    search = build_decoder(spec)
    assert isinstance(search, Search)
    train = prompts(1, 500)[0] if train is None else train
    search = search.prepared(train, V)
    return search.write(
        model, texts, rows, length=length, seed=5, on_progress=lambda characters: None
    )


def sampled(model, spec, texts: Tensor, rows: Sequence[Row], length: int) -> Tensor:
    return generate(
        model,
        texts,
        [build(spec)],
        rows,
        length=length,
        seed=5,
        on_progress=lambda characters: None,
    ).ids


def chi_square(counts: dict[tuple, int], expected: dict[tuple, float], n: int) -> float:
    """The p-value, with cells of fewer than five expected pooled; impossible ones must be empty."""
    assert sum(counts.get(key, 0) for key, p in expected.items() if p == 0) == 0
    common = [key for key, p in expected.items() if n * p >= 5]
    rare = [key for key, p in expected.items() if 0 < n * p < 5]
    observed = [counts.get(key, 0) for key in common]
    wanted = [n * expected[key] for key in common]
    if rare:
        observed.append(sum(counts.get(key, 0) for key in rare))
        wanted.append(n * sum(expected[key] for key in rare))
    assert len(wanted) > 2
    return float(stats.chisquare(observed, wanted, sum_check=False).pvalue)


def count(items: Sequence[tuple]) -> dict[tuple, int]:
    counts: dict[tuple, int] = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return counts


ROWS = [Row(0, prompt, 0) for prompt in range(3)]


@pytest.mark.parametrize(
    "spec",
    [
        {"beam": 1},
        {"contrastive": 0},
        {"contrastive": {"alpha": 0.9, "k": 1}},
        {"greedy": None, "beam": 3},
        {"greedy": None, "contrastive": 0.6},
        {"greedy": None, "stochastic_beam": 2},
        {"greedy": None, "best_of": 2},
        {"greedy": None, "speculative": 3},
        {"temperature": 0, "speculative": {"ahead": 1, "ngram": 1}},
    ],
    ids=str,
)
def test_many_roads_to_greedy(model, spec):
    """The same characters, far past the context, where the windows have slid."""
    texts = prompts(3)
    greedy = sampled(model, "greedy", texts, ROWS, 30)
    assert torch.equal(write(model, spec, texts, ROWS, 30), greedy)


def test_a_wide_beam_finds_the_most_probable_text(model):
    texts, length = prompts(3), 3
    for row, ids in zip(ROWS, write(model, {"beam": V**2}, texts, ROWS, length), strict=True):
        truth = law(model, texts[row.prompt], length)
        assert tuple(ids.tolist()) == max(truth, key=truth.__getitem__)


@torch.no_grad()
def test_beam_is_its_definition_without_a_cache(model):
    """The same beam over whole uncached passes, long enough for caches to be mixed up."""
    texts, width, length = prompts(6), 3, 12
    rows = [Row(0, prompt, 0) for prompt in range(6)]
    found = write(model, {"beam": width}, texts, rows, length)
    for row in rows:
        beam = [(0.0, texts[row.prompt].tolist())]
        for _ in range(length):
            log_p = torch.log_softmax(model(torch.tensor([text for _, text in beam])).double(), -1)
            children = [
                (score + log_p[i, -1, x].item(), [*text, x])
                for i, (score, text) in enumerate(beam)
                for x in range(V)
            ]
            beam = sorted(children, key=lambda child: -child[0])[:width]
        assert found[row.prompt].tolist() == beam[0][1][4:]


def test_a_beam_beats_greedy_and_keeps_to_the_samplers_before_it(model):
    texts = prompts(40)
    rows = [Row(0, prompt, 0) for prompt in range(40)]
    greedy = sampled(model, "greedy", texts, rows, 3)
    beam = write(model, {"beam": 4}, texts, rows, 3)
    cut = write(model, {"top_k": 2, "beam": 4}, texts, rows, 3)
    better = 0
    for row in rows:
        truth = law(model, texts[row.prompt], 3)
        found, first = (
            truth[tuple(beam[row.prompt].tolist())],
            truth[tuple(greedy[row.prompt].tolist())],
        )
        assert found >= first * (1 - 1e-5)
        better += found > first * (1 + 1e-5)
        assert law(model, texts[row.prompt], 3, {"top_k": 2})[tuple(cut[row.prompt].tolist())] > 0
    assert better > 0


def test_conditioned_gumbels_have_the_given_maximum():
    """And are Gumbel(log p) when the maximum is free: what is drawn with it must be consistent."""
    generator = np.random.default_rng(0)
    log_p = torch.from_numpy(generator.dirichlet(np.ones(6), (5, 3))).log()
    log_p[0, 0, 2] = -torch.inf
    noise = torch.from_numpy(generator.gumbel(size=(5, 3, 6)))
    parents = torch.from_numpy(generator.normal(0, 3, (5, 3)))
    parents[1, 1] = -torch.inf
    keys = conditioned(log_p, noise, parents)
    assert torch.equal(keys.amax(-1), parents)
    assert keys[0, 0, 2] == -torch.inf
    free = (log_p + noise).amax(-1)
    same = conditioned(log_p, noise, free)
    possible = log_p > -torch.inf
    torch.testing.assert_close(same[possible], (log_p + noise)[possible], rtol=0, atol=1e-9)


def test_stochastic_beam_draws_without_replacement(model):
    """The ordered pair (a, b) has the probability p(a) p(b) / (1 - p(a))."""
    draws, length = 3000, 2
    texts = prompts(1).expand(draws, -1)
    rows = [Row(0, prompt, sample) for prompt in range(draws) for sample in (0, 1)]
    ids = write(model, {"stochastic_beam": 3}, texts, rows, length).view(draws, 2, length).tolist()
    truth = law(model, texts[0], length)
    pairs = [(tuple(first), tuple(second)) for first, second in ids]
    assert all(first != second for first, second in pairs)
    assert chi_square(count([first for first, _ in pairs]), truth, draws) > FALSE_FAILURE
    both = {(a, b): truth[a] * truth[b] / (1 - truth[a]) for a in truth for b in truth if a != b}
    assert chi_square(count(pairs), both, draws) > FALSE_FAILURE


def test_stochastic_beam_of_all_texts_is_all_texts(model):
    width = V**2
    rows = [Row(0, 0, sample) for sample in range(width)]
    ids = write(model, {"stochastic_beam": width}, prompts(1), rows, 2)
    assert sorted(map(tuple, ids.tolist())) == list(product(range(V), repeat=2))


@pytest.mark.parametrize(
    "spec",
    [
        {"speculative": 3},
        {"speculative": {"ahead": 1, "ngram": 2}},
        {"temperature": 0.6, "top_k": 3, "speculative": 2},
        {"xtc": {"threshold": 0.2, "probability": 0.5}, "speculative": 4},
    ],
    ids=str,
)
def test_speculative_texts_have_the_distribution_of_the_model(model, spec):
    """Whole texts of three characters, with a draft that knows another text."""
    draws, length = 3000, 3
    texts = prompts(1).expand(draws, -1)
    rows = [Row(0, prompt, 0) for prompt in range(draws)]
    ids = write(model, spec, texts, rows, length)
    before = {name: value for name, value in spec.items() if name != "speculative"}
    truth = law(model, texts[0], length, before)
    assert chi_square(count(list(map(tuple, ids.tolist()))), truth, draws) > FALSE_FAILURE


@torch.no_grad()
def test_ragged_rows_have_the_logits_of_uncached_passes(model):
    """Rows keep different numbers of characters, after prompts that fit the window or not."""
    generator = np.random.default_rng(0)
    for length in (2, CONTEXT, 9):
        rows, trial = 6, 4
        texts = prompts(rows, length)
        read = [row.tolist() for row in texts]
        cache = RaggedCache(model, model.prefill(texts)[1], trial)
        for _ in range(8):
            tried = torch.from_numpy(generator.integers(0, V, (rows, trial)))
            found = cache.read(tried)
            counts = torch.from_numpy(generator.integers(1, trial + 1, rows))
            cache.keep(counts)
            for row in range(rows):
                whole = torch.tensor([[*read[row], *tried[row].tolist()]])
                torch.testing.assert_close(
                    found[row], model(whole)[0, -trial:], rtol=1e-4, atol=1e-4
                )
                read[row] += tried[row, : counts[row]].tolist()


def test_draft_by_hand():
    """Of abab a: q(b | a) = (2 + K q(b)) / (2 + K), q(b) = (2 + K / 3) / (5 + K)."""
    draft = NgramDraft(torch.tensor([0, 1, 0, 1, 0]), 3, 2)
    unigram = (2 + SMOOTHING / 3) / (5 + SMOOTHING)
    after_a = draft.probabilities(torch.tensor([[2, 0], [1, 2]]))
    assert after_a[0, 1].item() == pytest.approx((2 + SMOOTHING * unigram) / (2 + SMOOTHING))
    # c was never read: the shorter context has the say.
    assert after_a[1, 1].item() == pytest.approx(unigram)
    torch.testing.assert_close(after_a.sum(-1), torch.ones(2, dtype=torch.float64))


def test_a_good_draft_saves_passes():
    """A model that follows the draft's own text: more than one character a pass is kept."""
    text = torch.arange(400) % V
    draft = NgramDraft(text, V, 3)
    chosen = draft.probabilities(text[None, :7])[0]
    assert chosen.argmax() == text[7]
    assert chosen.max() > 0.9


@torch.no_grad()
def test_contrastive_is_its_equation(model):
    """Step by step from uncached hidden states."""
    texts, alpha, k, length = prompts(3), 0.5, 3, 12
    found = write(model, {"contrastive": {"alpha": alpha, "k": k}}, texts, ROWS, length)
    for row in ROWS:
        read = texts[row.prompt].tolist()
        for t in range(length):
            probability = torch.softmax(model(torch.tensor([read]))[0, -1].double(), -1)
            scores = {}
            for candidate in probability.topk(k).indices.tolist():
                hidden = model.prefill_hidden(torch.tensor([[*read, candidate]]))[0][0]
                likeness = torch.cosine_similarity(hidden[:-1], hidden[-1:], dim=-1).max().item()
                scores[candidate] = (1 - alpha) * probability[candidate].item() - alpha * likeness
            best = max(scores.values())
            # float32 hidden states of two kinds of pass: near ties may fall either way.
            assert scores[found[row.prompt, t].item()] > best - 1e-5
            read.append(found[row.prompt, t].item())


def test_contrastive_repeats_less_than_greedy(model):
    texts = prompts(3)
    greedy = sampled(model, "greedy", texts, ROWS, 30)
    assert not torch.equal(write(model, {"contrastive": 0.6}, texts, ROWS, 30), greedy)


def test_best_of_takes_the_likeliest(model):
    texts, length = prompts(3), 6
    rows = [Row(0, prompt, sample) for prompt in range(3) for sample in range(2)]
    spec = {"temperature": 1.5}
    assert torch.equal(
        write(model, {**spec, "best_of": 1}, texts, rows, length),
        sampled(model, spec, texts, rows, length),
    )
    best = write(model, {**spec, "best_of": 5}, texts, rows, length)
    for at, row in enumerate(rows):
        candidates = [Row(0, row.prompt, row.sample, candidate) for candidate in range(5)]
        each = sampled(model, spec, texts, candidates, length)
        assert len(each.unique(dim=0)) > 1
        whole = torch.cat((texts[row.prompt].expand(5, -1), each), 1)
        with torch.no_grad():
            log_p = torch.log_softmax(model(whole)[:, 3:-1].double(), -1)
        score = log_p.gather(-1, each[..., None]).sum((1, 2))
        assert torch.equal(best[at], each[score.argmax()])


def test_the_best_are_the_same_a_few_at_a_time(model, monkeypatch):
    rows = [Row(0, prompt, sample) for prompt in range(3) for sample in range(2)]
    spec = {"temperature": 1.5, "best_of": 5}
    whole = write(model, spec, prompts(3), rows, 6)
    monkeypatch.setattr(best_of, "MOST_CANDIDATES", 11)
    assert torch.equal(write(model, spec, prompts(3), rows, 6), whole)


ALL = [
    {"beam": 3},
    {"stochastic_beam": 3},
    {"contrastive": 0.6},
    {"temperature": 0.7, "best_of": 3},
    {"frequency_penalty": 0.2, "best_of": 2},
    {"top_p": 0.9, "speculative": 3},
]


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: build_decoder(spec).label)
def test_a_text_does_not_depend_on_its_company(spec):
    """Alone, and among 100 others, in any order; the model always steps as many rows.

    Best-of writes by the engine, whose blocks are as large as they need to be (test_blocks.py).
    """
    model, texts = transformer(width=128, spread=0.2), prompts(50)
    stepped = set()
    model.blocks[0].register_forward_pre_hook(lambda block, given: stepped.add(len(given[0])))
    rows = [Row(0, prompt, sample) for prompt in range(50) for sample in (0, 1)]
    together = write(model, spec, texts, rows, 12)
    for at in (0, 37, 99):
        assert torch.equal(write(model, spec, texts, [rows[at]], 12)[0], together[at])
    assert torch.equal(write(model, spec, texts, rows[::-1], 12), together.flip(0))
    assert len(stepped) == 1 or "best_of" in spec


CUTS = [{"top_k": 1}, {"top_k": 2}, {"top_p": 0.5}, {"min_p": 0.3}, {"temperature": 0}]
SEARCHES = [
    {"beam": 5},
    {"stochastic_beam": 5},
    {"contrastive": {"alpha": 0.6, "k": 6}},
    {"best_of": 3},
    {"speculative": 3},
]


@pytest.mark.parametrize("search", SEARCHES, ids=str)
@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_what_a_search_writes_is_possible_under_its_samplers(model, cut, search):
    texts, length = prompts(20), 6
    rows = [Row(0, prompt, 0) for prompt in range(20)]
    ids = write(model, cut | search, texts, rows, length)
    for prompt, written in zip(texts, ids, strict=True):
        whole = torch.cat((prompt, written))[None]
        with torch.no_grad():
            steps = build(cut).distribution(model(whole)[0, len(prompt) - 1 : -1])
        assert (steps.gather(-1, written[:, None]) > 0).all()


def test_a_search_writes_no_impossible_text_for_want_of_possible_ones(model):
    two = {"top_k": 2, "stochastic_beam": 5}
    rows = [Row(0, 0, sample) for sample in range(5)]
    assert len(write(model, two, prompts(1), rows[:4], 2).unique(dim=0)) == 4
    with pytest.raises(ConfigError, match=r"top_k=2 stochastic_beam=5: after prompt 0 only 4 "):
        write(model, two, prompts(1), rows, 2)
    one = transformer(vocabulary=1)
    with pytest.raises(ConfigError, match="only 1 different texts"):
        write(one, {"stochastic_beam": 2}, prompts(1, vocabulary=1), rows[:2], 2)


@pytest.mark.parametrize(
    ("cut", "vocabulary", "possible"),
    [({"top_k": 1}, V, False), ({"temperature": 0}, V, False), ({}, 1, False), ({}, V, True)],
)
def test_too_few_texts_are_found_before_the_training(cut, vocabulary, possible):
    decoders = build_decoders([cut | {"stochastic_beam": 4}], 4)
    decoding = DecodingConfig(samplers=["greedy"], samples_per_prompt=4, length=256)
    ready = partial(try_decoders, decoders, transformer(vocabulary), vocabulary, decoding)
    if possible:
        ready()
    else:
        with pytest.raises(ConfigError, match=r"only 1 different texts.*samples_per_prompt"):
            ready()


def test_methods_are_named_and_checked():
    labels = [build_decoder(spec).label for spec in ALL]
    assert labels[:4] == [
        "beam=3",
        "stochastic_beam=3",
        "contrastive=0.6",
        "temperature=0.7 best_of=3",
    ]
    wrong = [
        {"beam": 0},
        {"beam": 2.5},
        {"beam": 3, "temperature": 0.7},
        {"beam": 3, "best_of": 3},
        {"contrastive": 1.5},
        {"contrastive": {"k": 3}},
        {"speculative": {"ahead": 3, "n": 2}},
        {"speculative": {"ahead": 3, "ngram": 1e9}},
        {"beam": float("inf")},
        {"beam": float("nan")},
        {"stochastic_beam": 1e30},
        {"best_of": 10**400},
        {"contrastive": {"alpha": 0.5, "k": float("inf")}},
        {"_target_": "nextchar.samplers.TopKSampler", "k": 3, "beam": 2, "top_p": 0.9},
        {"mirostat": 2, "beam": 3},
        {"minp": 0.1},
        "beam",
        5,
    ]
    for spec in wrong:
        with pytest.raises(ConfigError, match=r"^decoding\.samplers: [^\n]+$") as error:
            build_decoders([spec], 1)
        assert str(error.value).count("decoding.samplers") == 1
        assert error.value.__cause__ is None
    with pytest.raises(ConfigError, match="at most 2 samples"):
        build_decoders([{"stochastic_beam": 2}], 3)
    with pytest.raises(ConfigError, match="twice"):
        build_decoders([{"beam": 2}, {"beam": {"width": 2}}], 1)


def test_searches_stand_beside_samplers_in_a_comparison():
    text = corpus.load(
        CorpusConfig(
            name="grammar",
            kind="grammar",
            path=None,
            url=None,
            sha256=None,
            fallback=None,
            train_fraction=0.9,
            train_share=1.0,
            characters=20_000,
            seed=0,
        )
    )
    made = transformer(len(text.vocabulary))
    decoding = DecodingConfig(
        samplers=["greedy", {"beam": 2}, {"top_k": 3}, {"speculative": 2}],
        prompts=3,
        prompt_length=8,
        samples_per_prompt=2,
        length=10,
        checkpoint="last",
    )
    methods = build_decoders(decoding.samplers, 2)
    compared = compare.compare(made, text, methods, decoding, MEASURED, seed=0)
    assert compared.copying == ["greedy", "beam=2"], "of two samples after each prompt"
    measured = {(row.sampler, row.metric) for row in compared.metrics}
    assert {row.sampler for row in compared.metrics} == {
        "greedy",
        "beam=2",
        "top_k=3",
        "speculative=2",
        "human",
    }
    assert ("top_k=3", "entropy") in measured
    assert ("beam=2", "entropy") not in measured
    assert ("beam=2", "bits_per_character") in measured
    order = [sample.sampler for sample in compared.samples]
    assert order == sorted(
        order, key=["greedy", "beam=2", "top_k=3", "speculative=2", "human"].index
    )
    alone = compare.compare(made, text, methods[1:2], decoding, MEASURED, seed=0)
    texts = {(s.sampler, s.prompt, s.sample): s.text for s in compared.samples}
    assert all(texts[s.sampler, s.prompt, s.sample] == s.text for s in alone.samples)
    speeds = compared.timings["generation"]["samplers"]
    assert set(speeds) == {"greedy", "beam=2", "top_k=3", "speculative=2"}
