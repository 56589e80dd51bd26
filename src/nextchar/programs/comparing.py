"""Several runs in one page: what differs in their configs, their trainings, their figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nextchar.config import ConfigError
from nextchar.metrics.differences import student
from nextchar.metrics.estimators import read_sums, resample_weights
from nextchar.plots import Drawn
from nextchar.plots.overlay import validation_losses
from nextchar.report.page import write_page
from nextchar.report.table import Cell, as_cells
from nextchar.results import HUMAN, PLOTS, SUMS, Metric, Run

RESAMPLES = 2000
FOLDER = "comparisons"
"""Of outputs/, a folder in it for each comparison."""

Key = tuple[str, str]
"""A sampler and a metric."""


def write_comparison(runs: Sequence[Run], outputs: Path) -> Path:
    """Write the page of two or more runs and return its path; the first is what others differ from.

    Raises ConfigError where a run is named twice.
    """
    names = [run.folder.name for run in runs]
    if len(set(names)) < len(names):
        raise ConfigError(f"RUN={' '.join(names)}: names a run twice; name different ones")
    folder = outputs / FOLDER / "_".join(names)
    plots = validation_losses({run.folder.name: run.training for run in runs}, folder / PLOTS)
    first = runs[0]
    shared = [each for each in first.headlines if all(_row(run, each) for run in runs)]
    paired = [_paired(first, run) for run in runs[1:]]
    tables: dict[str, list[tuple[str, list[Cell], list[Cell]]]] = {}
    for metric in dict.fromkeys(row.metric for row in shared):
        rows = [row for row in shared if row.metric == metric]
        tables[metric] = _lines(rows, runs, paired)
    return write_page(
        folder,
        "compare.html.jinja",
        Drawn(plots),
        [],
        name=", ".join(names),
        names=names,
        differing=differing([run.config for run in runs]),
        tables=tables,
        info=first.info,
        pairs=[bool(each) for each in paired],
        reports=[f"../../runs/{name}/report.html" for name in names],
    )


def differing(configs: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """The keys that the configs don't all have with one value, with the value of each."""
    flat = [dict(_leaves(config)) for config in configs]
    keys = dict.fromkeys(key for each in flat for key in each)
    values = {key: [str(each.get(key, "–")) for each in flat] for key in keys}
    return [(key, own) for key, own in values.items() if len(set(own)) > 1]


def _leaves(config: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _row(run: Run, like: Metric) -> Metric | None:
    return run.value(like.sampler, like.metric)


def _lines(
    rows: Sequence[Metric], runs: Sequence[Run], paired: Sequence[Mapping[Key, Metric]]
) -> list[tuple[str, list[Cell], list[Cell]]]:
    """For each of the first run's rows of one metric the sampler, its value in each run, and how
    far each run is from the first; all with the same number of decimals."""
    values = [found for row in rows for run in runs if (found := _row(run, row))]
    across = len(runs)
    gaps = [
        own.get((first.sampler, first.metric))
        or replace(value, value=value.value - first.value, low=np.nan, high=np.nan)
        for first, *others in (values[n : n + across] for n in range(0, len(values), across))
        for own, value in zip(paired, others, strict=True)
    ]
    cells = as_cells(values, bounds=runs[0].info(rows[0].metric).bounds)
    far = as_cells(gaps)
    names = [runs[0].reference if row.sampler == HUMAN else row.sampler for row in rows]
    return [
        (name, cells[n * across : (n + 1) * across], far[n * (across - 1) : (n + 1) * (across - 1)])
        for n, name in enumerate(names)
    ]


def _paired(first: Run, second: Run) -> dict[Key, Metric]:
    """Second less first with 95% intervals, of what both measured on the same prompts or stretches
    of text with the same random numbers; empty where they did not."""
    if _pairing(first) != _pairing(second):
        return {}
    before = {(each.sampler, each.metric): each for each in read_sums(first.folder / SUMS)}
    found = {}
    for each in read_sums(second.folder / SUMS):
        key = (each.sampler, each.metric)
        other = before.get(key)
        if other is None or len(other.numerators) != len(each.numerators):
            continue
        weights = resample_weights(len(each.numerators), RESAMPLES, 0)
        drawn = (each.resampled(weights) - other.resampled(weights))[:, None]
        gap = np.array([each.value - other.value])
        (_, low, high), _ = student(gap, drawn, len(each.numerators) - 1)
        found[key] = Metric(*key, float(gap[0]), float(low[0]), float(high[0]), each.n, each.unit)
    return found


def _pairing(run: Run) -> object:
    """What is the same in two runs whose figures can be paired; unequal for those of many seeds."""
    if run.seeds:
        return run.folder
    decoding = {key: value for key, value in run.config["decoding"].items() if key != "samplers"}
    metrics = {key: run.config["metrics"][key] for key in ("positions", "blocks")}
    return run.manifest["corpus"]["sha256"], run.config["seed"], decoding, metrics
