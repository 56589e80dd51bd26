"""Samplers against a known truth: by hand, against the definition, and the oracle's promise."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import generated

from nextchar.data.grammar.automaton import Automaton
from nextchar.metrics import ground_truth, positions
from nextchar.metrics.catalog import defined
from nextchar.metrics.estimators import (
    BLOCKS,
    PROMPTS,
    RatioEstimator,
    cluster_weights,
    figures,
    resample_weights,
)
from nextchar.metrics.ground_truth import (
    Truth,
    impossible_mass,
    lost_mass,
    truth_distance,
    truth_divergence,
)
from nextchar.metrics.measure import text_sums
from nextchar.metrics.positions import Distributions, Positions, position_sums
from nextchar.metrics.survival import (
    first_impossible,
    possible_rows,
    survival_sums,
    with_first_impossible,
    written_sums,
)
from nextchar.metrics.texts import GeneratedTexts
from nextchar.metrics.truncation import (
    ORACLE,
    oracle_cuts,
    truncation_rows,
    truncation_sums,
)
from nextchar.plots import new_figure
from nextchar.plots.possible import possible_curves
from nextchar.plots.truncation import truncation_curves
from nextchar.results import Possible, Truncation, read_rows, write_rows
from nextchar.samplers import (
    DynamicTemperatureSampler,
    GreedySampler,
    MirostatSampler,
    NoRepeatNgramSampler,
    NucleusSampler,
    RepetitionPenaltySampler,
    Sampler,
    TemperatureSampler,
    TopKSampler,
    registered,
)
from nextchar.samplers.registry import exact_families

AUTOMATON = Automaton(
    alphabet="abcd",
    source=np.array([0, 0, 1, 1, 2]),
    character=np.array([0, 1, 1, 2, 0]),
    target=np.array([1, 2, 0, 2, 0]),
    probability=np.array([0.7, 0.3, 0.5, 0.5, 1.0]),
)
"""State 0 writes a or b, 1 writes b or c, 2 writes a; d never comes."""

TEXT = AUTOMATON.draw(3001, np.random.default_rng(0))
IDS = torch.tensor(["abcd".index(c) for c in TEXT])


def held_out(logits: torch.Tensor, epsilon: float = 1e-4) -> Positions:
    return Positions(
        logits,
        targets=IDS[1:],
        before=IDS[:-1],
        starts=torch.arange(1, len(IDS)),
        blocks=torch.arange(len(IDS) - 1) * 20 // (len(IDS) - 1),
        window=100,
        epsilon=epsilon,
    )


def alone(logits: torch.Tensor, epsilon: float, true: torch.Tensor) -> Positions:
    """Positions of which only the model's and the true distribution count."""
    nothing = torch.zeros(len(logits))
    return Positions(logits, nothing, nothing, nothing, epsilon, true=true)


def truth_sums(samplers: list[Sampler], at: Positions) -> list[RatioEstimator]:
    return position_sums(defined(kinds=("truth",)), samplers, TRUTH.chunks(at), at.count)


def possible_sums(texts: GeneratedTexts, prompts: int) -> dict[str, RatioEstimator]:
    sums = text_sums(defined(kinds=("survival",)), [texts], prompts)
    return {each.metric: each for each in sums}


def exact_logits() -> torch.Tensor:
    """A model that knows the truth (log 0 as -60)."""
    rows = AUTOMATON._walk(AUTOMATON.start, IDS.numpy())[1:-1]
    return torch.from_numpy(np.log(np.maximum(rows, 1e-26)))


def noisy_logits() -> torch.Tensor:
    noise = torch.from_numpy(np.random.default_rng(1).normal(0, 1.5, (len(IDS) - 1, 4)))
    return (exact_logits().clamp_min(-5) + noise).float()


TRUTH = Truth(AUTOMATON, TEXT)


def test_the_truth_itself_is_no_distance_away() -> None:
    at = held_out(exact_logits(), epsilon=1e-12)
    # The first characters are read without knowing the state.
    parts = {name: getattr(at, name)[50:] for name in ("logits", "targets", "before", "starts")}
    later = replace(at, **parts, blocks=at.blocks[50:])
    for each in truth_sums([TemperatureSampler(1.0)], later):
        assert each.value == pytest.approx(0, abs=1e-9), each.metric


def test_measures_by_hand() -> None:
    true = torch.tensor([[0.5, 0.5, 0.0, 0.0]], dtype=torch.float64)
    chosen = torch.tensor([[0.8, 0.0, 0.2, 0.0]], dtype=torch.float64)
    at = alone(chosen.log(), 0.1, true)
    impossible, lost, divergence, distance = (
        measure(Distributions(chosen, at)).item()
        for measure in (impossible_mass, lost_mass, truth_divergence, truth_distance)
    )
    assert (impossible, lost) == (pytest.approx(0.2), 0.5)
    assert distance == pytest.approx((0.3 + 0.5 + 0.2) / 2)
    smooth = [0.9 / 1.4, 0.1 / 1.4]
    assert divergence == pytest.approx(sum(0.5 * math.log2(0.5 / r) for r in smooth))


def test_chunks_know_the_state_that_the_whole_text_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions, "CHUNK", 700)
    monkeypatch.setattr(ground_truth, "LEAD", 50)
    at = held_out(exact_logits())
    rows = np.concatenate([np.asarray(chunk.true) for chunk in TRUTH.chunks(at)])
    expected = AUTOMATON.next_distributions(TEXT)[1:-1]
    assert np.allclose(rows, expected)


def test_drawn_text_stays_possible_and_other_text_does_not() -> None:
    texts = [TEXT[10:40], TEXT[100:130], "d" + TEXT[51:80]]
    prompts = [TEXT[:10], TEXT[90:100], TEXT[40:50]]
    true = TRUTH.along(prompts, texts)
    assert true.shape == (3, 30, 4)
    ids = np.array([["abcd".index(c) for c in text] for text in texts])
    first = first_impossible(true, ids)
    assert first.tolist() == [30, 30, 0]
    written = generated("s", texts, "abcd", prompts=[0, 0, 1], first_impossible=first)
    sums = possible_sums(written, 2)
    assert sums["possible_16"].numerators.tolist() == [2, 0]
    assert sums["possible_16"].value == pytest.approx(2 / 3)
    assert "possible_64" not in sums
    # 30 + 30 steps of texts that stay possible, one step of the text that is impossible at once.
    assert sums["impossible_rate"].value == pytest.approx(1 / 61)


def test_survival_starts_at_one_and_never_rises() -> None:
    first = np.array([30, 4, 0, 11])
    written = generated("s", ["a" * 30] * 4, "abcd", first_impossible=first)
    weights = {PROMPTS: resample_weights(4, 100, 0)}
    rows = possible_rows(figures(survival_sums(written, 4), weights))
    shares = [row.share for row in rows]
    assert len(rows) == 31
    assert (rows[0].share, rows[1].share, rows[4].share, rows[5].share) == (1, 0.75, 0.75, 0.5)
    assert shares == sorted(shares, reverse=True)
    assert all(row.low <= row.share <= row.high for row in rows)


def test_greedy_goes_wrong_as_often_as_its_mass_is_impossible() -> None:
    """Along greedy's own text the character is certain: the rate is the mass."""
    logits = noisy_logits()[:60].reshape(2, 30, 4)
    ids = logits.argmax(-1).numpy()
    texts = ["".join("abcd"[i] for i in row) for row in ids]
    written = with_first_impossible(generated("greedy", texts, "abcd"), TRUTH)
    mass = written_sums(GreedySampler(), logits, written, TRUTH, 2, 1e-4)[0]
    rate = possible_sums(written, 2)["impossible_rate"]
    assert mass.metric == "impossible_mass_written"
    assert mass.value == pytest.approx(rate.value)
    assert mass.denominators.tolist() == rate.denominators.tolist()


def test_the_oracle_is_best_at_every_position_and_price() -> None:
    model = torch.softmax(noisy_logits().double(), -1)
    true = torch.from_numpy(AUTOMATON.next_distributions(TEXT)[1:-1])
    cut = oracle_cuts(model, true)
    for price in (0.1, 1.0, 10.0):
        wrong, lost = cut(price)
        costs = []
        for k in (1, 2, 3, 4):
            chosen = TopKSampler(k).distribution(model.log())
            found = Distributions(chosen, alone(model.log(), 1e-4, true))
            costs.append(price * impossible_mass(found) + lost_mass(found))
        assert torch.allclose(price * wrong + lost, torch.stack(costs).amin(0))


def test_no_cut_in_the_models_order_lies_below_the_oracle() -> None:
    at = held_out(noisy_logits())
    sums = truth_sums([NucleusSampler(0.9)], at)
    weights = cluster_weights({BLOCKS: at.count}, 50, 0)
    names = ("temperature", "top_k", "top_p")
    families = [each for each in exact_families([]) if each[0].name in names]
    rows = truncation_rows(figures(truncation_sums(at, TRUTH, families), weights))
    oracle = [row for row in rows if row.family == ORACLE]
    for row in rows:
        assert row.impossible_low <= row.impossible <= row.impossible_high
        if row.family == "temperature":
            assert row.lost == 0
            continue
        for best in oracle:
            price = best.parameter
            assert price * best.impossible + best.lost <= price * row.impossible + row.lost + 1e-9
    exact = {each.metric: each.value for each in sums}
    (same,) = [row for row in rows if (row.family, row.parameter) == ("top_p", 0.9)]
    assert (same.impossible, same.lost, same.divergence, same.distance) == pytest.approx(
        [exact[f"{name}_mass"] for name in ("impossible", "lost")]
        + [exact[f"truth_{name}"] for name in ("divergence", "distance")]
    )
    assert all(np.isnan(row.divergence) and np.isnan(row.distance) for row in oracle)
    assert all(each.clusters == BLOCKS for each in sums)


def family_labels(*compared: Sampler) -> dict[str, list[str]]:
    """Of each family that is followed, by its first label."""
    found = exact_families(compared)
    return {family[0].label: [each.label for each in family] for family in found}


def test_a_compared_family_with_a_memory_has_a_curve() -> None:
    """Each no_repeat_ngram loses what the truth repeats, the shortest ban the most."""
    compared = TemperatureSampler(0.5, NoRepeatNgramSampler(4))
    (family,) = (each for each in exact_families([compared]) if each[0].stateful)
    at = held_out(noisy_logits())
    weights = cluster_weights({BLOCKS: at.count}, 50, 0)
    rows = truncation_rows(figures(truncation_sums(at, TRUTH, [family]), weights))
    lost = [row.lost for row in rows if row.family == "no_repeat_ngram"]
    assert len(lost) == 8
    assert 0 < lost[0] < lost[-1]


def test_which_families_are_followed() -> None:
    """All without a memory at their defaults; of the others what is compared, but for feedback."""
    plain = family_labels()
    assert "top_k=1" in plain
    assert not any("penalty" in label or "mirostat" in label for label in plain)
    tempered = DynamicTemperatureSampler(0.8, 0.4)
    assert family_labels(tempered, MirostatSampler(2)) == plain
    penalties = [RepetitionPenaltySampler(1.2, window) for window in (32, 8, 32)]
    found = family_labels(*penalties)
    assert set(found) - set(plain) == {
        "repetition_penalty=1.02,window=32",
        "repetition_penalty=1.02,window=8",
    }
    assert found["repetition_penalty=1.02,window=8"][-1] == "repetition_penalty=2,window=8"


def test_a_memory_along_its_own_text_has_read_the_prompt() -> None:
    """After `caaba` the ban of bigrams leaves c and d, of which b and c are the true ones."""
    prompt = np.array([["abcd".index(c) for c in "caaba"]])
    written = replace(generated("ban", ["c"], "abcd"), prompt_ids=prompt)
    found = {
        each.metric: each.value
        for each in written_sums(
            NoRepeatNgramSampler(2),
            torch.zeros(1, 1, 4),
            with_first_impossible(written, TRUTH),
            TRUTH,
            1,
            1e-4,
        )
    }
    assert found["lost_mass_written"] == pytest.approx(0.5)
    assert found["impossible_mass_written"] == pytest.approx(0.5)


def test_families_have_as_many_settings_each() -> None:
    ours = [
        each for each in registered(Sampler).values() if each.__module__.startswith("nextchar.")
    ]
    assert len({len(each.grid) for each in ours if each.grid}) == 1


def test_rows_survive_the_disk(tmp_path: Path) -> None:
    cuts = [Truncation("top_k", 3, 0.1, 0.05, 0.2, 0.0, 0.0, 1e-7, 1.5, 1.0, 2.0, 0.5, 0.4, 0.6)]
    write_rows(tmp_path / "a.csv", Truncation, cuts)
    assert read_rows(Truncation, tmp_path / "a.csv") == cuts
    lives = [Possible("a, b", 3, 0.5, 0.25, 1.0)]
    write_rows(tmp_path / "b.csv", Possible, lives)
    assert read_rows(Possible, tmp_path / "b.csv") == lives
    assert read_rows(Possible, tmp_path / "none.csv") == []


def test_curves_draw_what_they_are_given() -> None:
    rows = [
        Truncation(family, value, i, i * 0.9, i * 1.1, x, x * 0.9, x * 1.1, far, far, far)
        for family, far in (("top_k", 1.0), ("top_p", 1.0), (ORACLE, math.nan))
        for value, i, x in ((1, 0.001, 0.3), (2, 0.01, 0.05), (3, 0.05, 0.0))
    ]
    cuts_nothing = Truncation("dry", 1, 0.02, 0.02, 0.02, 1e-7, 0.0, 1e-6, 0.5, 0.4, 0.6)
    rows.append(cuts_nothing)
    ax = truncation_curves(rows, new_figure(4, 3).add_subplot(), across="divergence")
    assert [bars.get_label() for bars in ax.containers] == ["top_k", "top_p", "dry"]
    ax = truncation_curves(rows, new_figure(4, 3).add_subplot())
    assert [line.get_label() for line in ax.get_lines() if line.get_label()[0] != "_"] == [
        "best cut in the model's order"
    ]
    assert [bars.get_label() for bars in ax.containers] == ["top_k", "top_p"]
    lives = [Possible("greedy", n, 1 / (n + 1), 0.0, 1.0) for n in range(9)]
    ax = possible_curves(lives, new_figure(4, 3).add_subplot())
    (line,) = (each for each in ax.get_lines() if len(each.get_xdata()) > 1)
    assert line.get_ydata()[-1] == pytest.approx(1 / 9)
