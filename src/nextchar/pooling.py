"""Runs that differ in their seed alone, put together: intervals that hold for training again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nextchar import config, results
from nextchar.config import ConfigError
from nextchar.metrics.differences import differences
from nextchar.metrics.seeds import crossed_weights, pooled, pooled_figures
from nextchar.metrics.sums import Sums, restored
from nextchar.results import Difference, Metric, StoredSums


def pool(folders: Sequence[Path]) -> tuple[list[Metric], list[Difference]]:
    """Metrics and paired differences over two or more runs, seeds being a second level.

    Raises ConfigError where a run has no sums, or where they differ in more than the seed.
    """
    asked = [_asked(folder) for folder in folders]
    seeds = [int(each["seed"]) for each in asked]
    if len(set(seeds)) < 2 or len(set(seeds)) < len(seeds):
        raise ConfigError(f"seeds={seeds}: pool at least two runs, each with a seed of its own")
    for key in ("corpus", "model", "training", "decoding", "metrics"):
        for folder, each in zip(folders, asked, strict=True):
            if each[key] != asked[0][key]:
                raise ConfigError(f"{folder}: its {key} differs from that of {folders[0]}")
    sums = pooled([_sums(folder) for folder in folders])
    resamples = int(asked[0]["metrics"]["resamples"])
    weights = crossed_weights(sums, len(seeds), resamples, min(seeds))
    return (
        pooled_figures(sums, weights, len(seeds)),
        differences(sums, weights, seeds=len(seeds)),
    )


def _asked(folder: Path) -> dict[str, Any]:
    """What a run was asked. `resamples` was a key of `decoding` before it was one of `metrics`."""
    asked = config.read_yaml(folder / results.CONFIG)
    if "resamples" in asked["decoding"]:
        asked["metrics"]["resamples"] = asked["decoding"].pop("resamples")
    return asked


def _sums(folder: Path) -> list[Sums]:
    rows: list[StoredSums] = results.read_rows(StoredSums, folder / results.SUMS)
    if not rows:
        raise ConfigError(f"{folder}: no {results.SUMS} there; run it again with force=true")
    return [restored(row) for row in rows]
