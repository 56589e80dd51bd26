"""The divergence frontier: by hand, beside a slow version of its own, and through a comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_module
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.vq import vq
from shapes import generated

from nextchar import config
from nextchar.config import Config, ConfigError
from nextchar.data import corpus
from nextchar.data.corpus import Corpus
from nextchar.decoding.prompts import cut_prompts, human_pieces
from nextchar.experiment import compare
from nextchar.experiment.run import run_experiment
from nextchar.metrics.catalog import defined
from nextchar.metrics.estimators import Floats, RatioEstimator, pseudo_values
from nextchar.metrics.mauve import clusters, measure
from nextchar.metrics.mauve.frontier import area, area_pseudo_values, smoothed
from nextchar.metrics.mauve.frontier import frontier as curve
from nextchar.metrics.mauve.measure import window_features
from nextchar.metrics.measure import text_sums
from nextchar.metrics.texts import GeneratedTexts, ReferenceTexts
from nextchar.models.registry import build_model
from nextchar.models.transformer import Transformer
from nextchar.results import HUMAN, HUMAN_TRAINING, JUDGE
from nextchar.samplers import build

C = 5.0


def slow_area(p: Sequence[float], q: Sequence[float], steps: int = 2000) -> float:
    """The definition, a point at a time; evenly spaced weights, the open ends left out."""
    points = [(0.0, 1.0)]
    for step in range(steps - 1, 0, -1):
        w = step / steps
        r = [w * a + (1 - w) * b for a, b in zip(p, q, strict=True)]
        kl_q = sum(b * math.log(b / c) for b, c in zip(q, r, strict=True) if b)
        kl_p = sum(a * math.log(a / c) for a, c in zip(p, r, strict=True) if a)
        points.append((math.exp(-C * kl_q), math.exp(-C * kl_p)))
    points.append((1.0, 0.0))
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))


def test_a_frontier_by_hand() -> None:
    """p = (1/2, 1/2), q = (1/4, 3/4): at w = 1/2 the mixture is (3/8, 5/8)."""
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    x, y = curve(p, q)
    middle = len(x) // 2
    assert x[0] == y[-1] == 1
    assert x[middle] == pytest.approx((3 / 2) ** (5 / 4) * (5 / 6) ** (15 / 4))
    assert y[middle] == pytest.approx((3 / 4) ** 2.5 * (5 / 4) ** 2.5)
    assert y[0] == pytest.approx((1 / 2) ** 2.5 * (3 / 2) ** 2.5)
    assert (np.diff(x) < 0).all()
    assert (np.diff(y) > 0).all()


def test_equal_histograms_have_the_area_one_and_disjoint_ones_the_least() -> None:
    """Disjoint: x = (1 - w)^c, y = w^c, and the area is c! c! / (2 c)! = 1 / 252 at c = 5."""
    p = np.array([0.2, 0.8, 0.0])
    assert area(p, p) == pytest.approx(1, abs=1e-12)
    assert area(np.array([0.3, 0.7, 0, 0]), np.array([0, 0, 0.9, 0.1])) == pytest.approx(
        1 / 252, abs=3e-4
    )


@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(2, 6))
def test_the_area_is_that_of_the_slow_version(data: st.DataObject, k: int) -> None:
    histograms = st.lists(st.integers(0, 30), min_size=k, max_size=k).filter(any)
    p, q = (np.array(each) / sum(each) for each in (data.draw(histograms), data.draw(histograms)))
    found = area(p, q)
    assert found == pytest.approx(slow_area(p.tolist(), q.tolist()), abs=1e-3)
    assert found == pytest.approx(area(q, p), abs=1e-9)
    assert 1 / 252 - 3e-4 <= found <= 1 + 1e-12


def test_half_a_window_is_added_to_each_cluster() -> None:
    assert smoothed(np.array([3.0, 0.0])).tolist() == [3.5 / 4, 0.5 / 4]


def test_the_mean_of_the_pseudo_values_is_the_area_of_the_set_and_each_leaves_one_out() -> None:
    generator = np.random.default_rng(0)
    counts = generator.multinomial(8, [[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]], (5, 2)).astype(float)
    reference = np.array([[30.0, 40.0, 50.0], [70.0, 40.0, 10.0]])

    def both(own: Floats) -> float:
        first, second = own.sum(0)
        one = area(smoothed(first), smoothed(reference[0]))
        return (one + area(smoothed(second), smoothed(reference[1]))) / 2

    whole = both(counts)
    without = [both(np.delete(counts, i, axis=0)) for i in range(5)]
    found = area_pseudo_values(counts, reference)
    assert found.mean() == pytest.approx(whole)
    assert found.tolist() == pytest.approx(pseudo_values(whole, np.array(without)).tolist())


def test_sets_hold_one_text_a_prompt() -> None:
    counts = np.array([[[8.0, 0.0]], [[4.0, 4.0]], [[0.0, 8.0]]])
    reference = np.array([[9.0, 9.0]])
    one = generated("s", ["a", "b", "c"], "abc", clusters=(counts, reference))
    two = generated(
        "s",
        ["a", "a", "b", "b", "c", "c"],
        "abc",
        prompts=[0, 0, 1, 1, 2, 2],
        clusters=(counts.repeat(2, axis=0), reference),
    )
    once, twice = text_sums(defined(level="frontier"), [one, two], 3)
    assert twice.value == pytest.approx(once.value)
    assert twice.denominators.tolist() == [2, 2, 2]


def blobs(generator: np.random.Generator) -> Floats:
    """Four groups of 30 points around corners of a square, in 5 dimensions."""
    corners = np.zeros((4, 5))
    corners[:, :2] = [[0, 0], [9, 0], [0, 9], [9, 9]]
    return corners.repeat(30, axis=0) + generator.normal(0, 0.3, (120, 5))


def test_clusters_find_groups_and_are_the_same_each_time() -> None:
    points = blobs(np.random.default_rng(1))
    first, again = clusters.fit(points, 4, 0), clusters.fit(points, 4, 0)
    assert len(first) == clusters.PARTITIONS
    for one, same in zip(first, again, strict=True):
        assert np.array_equal(one.centres, same.centres)
        assert one.components.shape == (5, 2), "two components hold nine tenths of the variance"
        counts = one.counts(points.reshape(4, 30, 5))
        assert counts.max(1).tolist() == [30] * 4
        assert sorted(counts.argmax(1).tolist()) == [0, 1, 2, 3]
    assert not np.array_equal(first[0].centres, first[1].centres), "starts differ"


def test_the_iterations_end_where_each_centre_is_the_mean_of_its_points() -> None:
    generator = np.random.default_rng(2)
    points = np.vstack([generator.normal(0, 1, (200, 3)), [[50.0, 50.0, 50.0]]])
    centres = clusters.k_means(points, clusters.start(points, 6, generator))
    own, _ = vq(points, centres)
    assert (own == own[-1]).sum() == 1, "one stands alone"
    for index, centre in enumerate(centres):
        assert centre.tolist() == pytest.approx(points[own == index].mean(0).tolist())
    brute = [int(np.argmin([((each - c) ** 2).sum() for c in centres])) for each in points]
    assert own.tolist() == brute


def test_equal_points_leave_clusters_empty() -> None:
    partition, *_ = clusters.fit(np.ones((6, 2)), 3, 0)
    assert partition.counts(np.ones((1, 6, 2))).tolist() == [[6, 0, 0]]


def asked(*overrides: str) -> Config:
    config.register()
    small = ["experiment=smoke", "corpus.characters=20000", "decoding.length=40"]
    small += ["decoding.prompts=6", "metrics.resamples=50", "metrics.frontier=true"]
    small += ["metrics.frontier_window=10", "metrics.frontier_clusters=8"]
    with initialize_config_module(version_base="1.3", config_module="nextchar.conf"):
        return config.resolve(compose("config", overrides=[*small, *overrides]))


@pytest.fixture(scope="module")
def text() -> Corpus:
    return corpus.load(asked().corpus)


@pytest.fixture(scope="module")
def model(text: Corpus) -> Transformer:
    made = build_model(asked().model, len(text.vocabulary), 0)
    assert isinstance(made, Transformer)
    return made


def test_features_are_means_of_hidden_states_and_know_no_company(model: Transformer) -> None:
    read = torch.randint(20, (50, 70), generator=torch.Generator().manual_seed(0))
    found = window_features(model, read, length=45, window=10)
    assert found.shape == (50, 4, model.head.in_features)
    hidden, _ = model.prefill_hidden(read[3:4])
    assert found[3, 2] == pytest.approx(hidden[0, 45:55].detach().numpy().mean(0), abs=1e-5)
    for part in (slice(0, 1), slice(3, 20)):
        assert np.array_equal(window_features(model, read[part], 45, 10), found[part])
    turned = window_features(model, read.flip(0), 45, 10)
    assert np.array_equal(turned[::-1], found)


def test_pieces_of_held_out_text_lie_between_the_human_texts(text: Corpus) -> None:
    decoding = asked().decoding
    T, L = decoding.prompt_length, decoding.length
    human = human_pieces(len(text.validation), decoding)
    taken = [text.validation_text[start:end] for start, end in human]
    pieces = measure.held_out_pieces(text, decoding)
    assert pieces.shape[1] == T + L
    assert len(pieces) > 10
    found = [text.vocabulary.decode(each) for each in pieces]
    assert not set(taken) & {each[T:] for each in found}
    assert all(each in text.validation_text for each in found)
    assert len(measure.training_pieces(text, replace(decoding, length=100_000))) == 0
    trained = [text.vocabulary.decode(each) for each in measure.training_pieces(text, decoding)]
    assert all(each in text.train_text for each in trained)


def row(rows: Sequence[RatioEstimator], label: str) -> RatioEstimator:
    (found,) = [each for each in rows if each.sampler == label]
    return found


def human_texts(text: Corpus) -> GeneratedTexts:
    prompts, ids = (each.numpy() for each in cut_prompts(text.validation, asked().decoding))
    P = np.arange(len(ids))
    bits = np.ones(ids.shape)
    return GeneratedTexts(HUMAN, P, np.zeros_like(P), prompts, ids, bits, ReferenceTexts(text))


def test_who_writes_the_human_text_reaches_the_ceiling_and_who_writes_one_letter_does_not(
    text: Corpus, model: Transformer
) -> None:
    human = human_texts(text)
    copied = replace(human, sampler="copies")
    letter = text.vocabulary.characters.index("e")
    dull = replace(human, sampler="dull", ids=np.full_like(human.ids, letter))
    both = measure.sums(model, text, [dull, copied, human], asked().decoding, asked().metrics, 0)
    assert row(both, "copies").numerators.tolist() == row(both, HUMAN).numerators.tolist()
    assert row(both, HUMAN).value > 0.8
    assert row(both, "dull").value < 0.3
    turned = measure.sums(model, text, [human, copied, dull], asked().decoding, asked().metrics, 0)
    for label in (HUMAN, "copies", "dull"):
        assert row(turned, label).numerators.tolist() == row(both, label).numerators.tolist()


def test_a_comparison_has_the_frontier_of_every_row_its_interval_and_its_differences(
    text: Corpus, model: Transformer
) -> None:
    wanted = asked("metrics=full")
    samplers = list(map(build, ["greedy", {"temperature": 1.0}, {"top_p": 1.0}]))
    found = compare.compare(model, text, samplers, wanted.decoding, wanted.metrics, 0)
    rows = {each.sampler: each for each in found.metrics if each.metric == "frontier"}
    labels = {"greedy", "temperature=1", "top_p=1"}
    assert rows.keys() == labels | {HUMAN, HUMAN_TRAINING, JUDGE}
    for each in rows.values():
        # An interval of pseudo-values may reach above 1.
        assert 0 < each.low <= each.value + 1e-12 <= each.high + 2e-12
        assert each.value <= 1
    assert rows[HUMAN].low < rows[HUMAN].high
    assert rows["temperature=1"].value == rows["top_p=1"].value
    pairs = [each for each in found.differences if each.metric == "frontier"]
    assert len(pairs) == 3
    assert not any(math.isnan(each.nearer_holm) for each in pairs)


def test_what_can_not_be_measured_is_one_line(text: Corpus) -> None:
    measure.require(text, asked().decoding, asked().metrics)
    for wrong, says in (
        ("metrics.frontier_clusters=5000", "frontier_clusters=5000: the training text has"),
        ("decoding.prompts=60", "the held-out text between the human texts has 0 windows"),
    ):
        wanted = asked(wrong)
        with pytest.raises(ConfigError, match=says):
            measure.require(text, wanted.decoding, wanted.metrics)
    with pytest.raises(ConfigError, match=r"metrics\.frontier_window=41: must be at most"):
        asked("metrics.frontier_window=41")
    with pytest.raises(ConfigError, match="LabmlTransformer does not show its hidden states"):
        run_experiment(asked("model=labml_nn"), "test")
