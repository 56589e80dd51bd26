"""Pooling trainings: what is stored reads back, pooling is a mean, and intervals cover."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from scipy import stats

from nextchar import results
from nextchar.config import ConfigError
from nextchar.experiment.pool_seeds import pool
from nextchar.metrics.differences import differences, freedom
from nextchar.metrics.estimators import BLOCKS, RatioEstimator, read_sums, write_sums
from nextchar.metrics.pooling import crossed_weights, pooled, pooled_figures
from nextchar.metrics.truncation import COLUMNS
from nextchar.results import HUMAN

K = 30


def sums(label: str, values: np.ndarray, metric: str = "m") -> RatioEstimator:
    return RatioEstimator(label, metric, "", values, np.ones_like(values))


def test_sums_survive_the_disk_to_the_bit(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    before = [
        RatioEstimator(
            "a=1 b=2", "x", "bits", generator.normal(size=9000), np.ones(9000), BLOCKS, True
        ),
        RatioEstimator(HUMAN, "y", "", np.array([1 / 3]), np.array([0.1]), clusters="prompts"),
    ]
    write_sums(tmp_path / "s.npz", before)
    for old, new in zip(before, read_sums(tmp_path / "s.npz"), strict=True):
        assert np.array_equal(old.numerators, new.numerators)
        assert np.array_equal(old.denominators, new.denominators)
        assert (old.sampler, old.metric, old.unit) == (new.sampler, new.metric, new.unit)
        assert (old.clusters, old.exponential) == (new.clusters, new.exponential)


def test_equal_sums_are_equal_bytes_whenever_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [sums("a", np.arange(K, dtype=float)), sums("b", np.ones(2 * K))]
    write_sums(tmp_path / "one.npz", rows)
    with monkeypatch.context() as later:
        later.setattr(time, "localtime", lambda *_: time.gmtime(2_000_000_000))
        later.setattr(time, "time", lambda: 2e9)
        write_sums(tmp_path / "two.npz", rows)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_pooling_takes_the_mean_of_what_all_runs_have() -> None:
    first = [sums("a", np.full(K, 1.0)), sums("a", np.ones(K), "only here")]
    second = [sums("a", np.full(K, 4.0))]
    (found,) = pooled([first, second])
    assert found.value == 2.5
    assert len(found.numerators) == 2 * K


def test_weights_of_pairs_are_products_and_keep_their_mean() -> None:
    rows = pooled([[sums("a", np.ones(K))]] * 4)
    weights = crossed_weights(rows, 4, 4000, 0)["prompts"].reshape(4000, 4, K)
    by_seed, by_prompt = weights.sum(2) / K, weights.sum(1) / 4
    assert np.allclose(weights, by_seed[:, :, None] * by_prompt[:, None, :])
    # A mean of n has variance s^2 / n, s^2 with n - 1: the stretched weights have it.
    values = np.array([3.0, -1.0, 0.5, 2.0])
    drawn = by_seed @ values / 4
    assert drawn.var() == pytest.approx(values.var(ddof=1) / 4, rel=0.1)


def test_pooled_intervals_cover_95_percent_or_more() -> None:
    """Five seeds, effects of seed, prompt and both; the true difference is 1. The method is
    cautious (few degrees of freedom): below 93% of 500 by chance in less than 3 of 100, if it were
    just 95%; the generator is seeded."""
    generator = np.random.default_rng(0)
    covered = told = 0
    for _ in range(500):
        prompt = generator.normal(0, 1, K)
        runs = [
            [
                sums(label, mean + generator.normal(0, 0.2) + prompt + generator.normal(0, 1, K))
                for label, mean in (("a", 1.0), ("b", 0.0))
            ]
            for _ in range(5)
        ]
        rows = pooled(runs)
        (found,) = differences(rows, crossed_weights(rows, 5, 200, 0), seeds=5)
        covered += found.low <= 1.0 <= found.high
        told += found.p < 0.05
    assert covered / 500 > 0.93
    assert told / 500 > 0.25, "it is not so cautious that it sees nothing"


def test_two_seeds_say_little() -> None:
    generator = np.random.default_rng(1)
    runs = [[sums("a", generator.normal(seed, 0.1, K))] for seed in (0.0, 1.0)]
    rows = pooled(runs)
    (found,) = pooled_figures(rows, crossed_weights(rows, 2, 500, 0), 2)
    assert found.high - found.low > 5


def test_what_training_does_not_move_keeps_the_clusters_freedom() -> None:
    """Human text's own words: the same in every seed, so that only prompts are drawn again."""
    same = np.random.default_rng(0).normal(5, 1, K)
    moved = [same, same + 0.001]
    rows = pooled([[sums(HUMAN, same), sums("a", values)] for values in moved])
    assert [freedom(each, 2) for each in rows] == [K - 1, 1]
    human, a = pooled_figures(rows, crossed_weights(rows, 2, 500, 0), 2)
    assert a.high - a.low > 5 * (human.high - human.low)


def run(folder: Path, seed: int) -> Path:
    folder.mkdir()
    parts = {key: {"x": 1} for key in ("corpus", "model", "training")}
    parts |= {"decoding": {"length": 9}, "metrics": {"level": 1, "resamples": 50}}
    asked = {"seed": seed, **parts}
    (folder / results.CONFIG).write_text(OmegaConf.to_yaml(asked), encoding="utf-8")
    values = np.random.default_rng(seed).normal(0, 1, K)
    rows = [sums(label, values + i) for i, label in enumerate(("a", "b", HUMAN))]
    write_sums(folder / results.SUMS, rows)
    results.seal(folder)
    return folder


def test_runs_are_pooled_from_disk_and_checked(tmp_path: Path) -> None:
    first, second = run(tmp_path / "0", 0), run(tmp_path / "1", 1)
    found = pool([first, second])
    pairs = found.differences
    assert [row.sampler for row in found.metrics] == ["a", "b", HUMAN]
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "b")]
    assert pairs[0].difference == pytest.approx(-1)
    (second / results.SUMS).unlink()
    with pytest.raises(ConfigError, match=r"sums\.npz: missing"):
        pool([first, second])


def test_tables_of_the_truth_are_pooled_from_their_own_sums(tmp_path: Path) -> None:
    folders = [run(tmp_path / str(seed), seed) for seed in (0, 1, 2)]
    impossible = np.array([0.1, 0.3, 0.2])
    for folder, value in zip(folders, impossible, strict=True):
        rows = [
            RatioEstimator("top_k=5", name, "", np.full(K, value), np.ones(K), BLOCKS)
            for name in COLUMNS
        ]
        rows.append(RatioEstimator(HUMAN, "7", "share", np.full(K, 1 - value), np.ones(K)))
        write_sums(folder / results.CURVE_SUMS, rows)
        (folder / results.TRUNCATION).write_text("", encoding="utf-8")
        results.seal(folder)
    found = pool(folders)
    (cut,) = found.truncation
    assert (cut.family, cut.parameter, cut.impossible) == ("top_k", 5, pytest.approx(0.2))
    assert cut.distance == pytest.approx(0.2)
    # Student's interval of three values, up to the noise of 50 resamples.
    reach = stats.t.ppf(0.975, 2) * impossible.std(ddof=1) / 3**0.5
    assert cut.impossible_high - 0.2 == pytest.approx(reach, rel=0.3)
    (alive,) = found.possible
    assert (alive.sampler, alive.characters) == (HUMAN, 7)
    assert alive.share == pytest.approx(0.8)
    (folders[1] / results.CURVE_SUMS).unlink()
    with pytest.raises(ConfigError, match=r"curve_sums\.npz: missing"):
        pool(folders)
