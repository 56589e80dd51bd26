"""Runs that differ only in their seed, pooled: intervals that cover another training too."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from nextchar import results, tracking
from nextchar.config import Config, read_yaml
from nextchar.metrics.differences import differences
from nextchar.metrics.estimators import read_sums
from nextchar.metrics.family_figures import family_figures
from nextchar.metrics.pooling import crossed_weights, pooled, pooled_figures
from nextchar.metrics.survival import possible_rows
from nextchar.metrics.truncation import COLUMNS, truncation_rows
from nextchar.results import (
    Difference,
    FamilyFigure,
    Metric,
    Possible,
    Run,
    Truncation,
    provenance,
)
from nextchar.runtime import checked, progress


@dataclass(frozen=True)
class Pooled:
    """The tables of pooled runs."""

    metrics: list[Metric]
    differences: list[Difference]
    families: list[FamilyFigure]
    truncation: list[Truncation]
    possible: list[Possible]


def pool(folders: Sequence[Path]) -> Pooled:
    """The tables over the runs in `folders`, each of another seed.

    Raises DamagedError where a file of a run is not what was written.
    """
    for folder in folders:
        checked.check(folder)
    configs = [read_yaml(folder / results.CONFIG) for folder in folders]
    seeds = [int(each["seed"]) for each in configs]
    sums = pooled([read_sums(folder / results.SUMS) for folder in folders])
    resamples = int(configs[0]["metrics"]["resamples"])
    weights = crossed_weights(sums, len(seeds), resamples, min(seeds))
    n = len(seeds)
    # The sums of truncation.csv and possible.csv; none of a text whose truth is not known.
    paths = [folder / results.CURVE_SUMS for folder in folders]
    curves = pooled([read_sums(path) for path in paths if path.exists()])
    figures = pooled_figures(curves, crossed_weights(curves, n, resamples, min(seeds)), n)
    return Pooled(
        metrics=pooled_figures(sums, weights, n),
        differences=differences(sums, weights, seeds=n),
        families=family_figures(sums, resamples, min(seeds), seeds=n),
        truncation=truncation_rows(row for row in figures if row.metric in COLUMNS),
        possible=possible_rows(row for row in figures if row.metric not in COLUMNS),
    )


def write(folder: Path, config: Config, runs: Sequence[Run]) -> None:
    """Pool finished runs, in ascending order of their seeds, into `folder`: all but its manifest.

    The samples are those of the first run; each other run has its own.
    """
    clock = time.perf_counter()
    found = pool([run.folder for run in runs])
    with tracking.track(
        folder / results.LABML, name=config.name, config=asdict(config), comment=folder.name
    ) as tracker:
        for run in runs:
            seed = f"seed={run.config['seed']}"
            for record in run.training:
                scalars = {f"loss.train.{seed}": record.train_loss}
                if record.val_loss is not None:
                    scalars[f"loss.validation.{seed}"] = record.val_loss
                tracker.scalars(record.step, scalars)
        tracking.track_results(tracker, config.training.steps, found.metrics, runs[0].samples)
    results.write_metrics(folder / results.METRICS, found.metrics)
    names = {row.metric for row in found.metrics}
    known = [info for name, info in runs[0].definitions.items() if name in names]
    results.write_definitions(folder, known)
    for name, kind, rows in (
        (results.DIFFERENCES, Difference, found.differences),
        (results.FAMILIES, FamilyFigure, found.families),
        (results.TRUNCATION, Truncation, found.truncation),
        (results.POSSIBLE, Possible, found.possible),
    ):
        if rows:  # a table without any (no family, no known truth) has no file
            results.write_rows(folder / name, kind, rows)
    results.write_samples(folder / results.SAMPLES, runs[0].samples)
    seconds = time.perf_counter() - clock
    by_seed = {str(run.config["seed"]): run.timings for run in runs}
    results.write_json(
        folder / results.TIMINGS, {"seeds": by_seed, "pooling": {"seconds": seconds}}
    )


def origins(runs: Sequence[Run], folder: Path) -> dict[str, Any]:
    """The part of the manifest of pooled runs that says where the figures come from."""
    first = runs[0].manifest
    # best_step and code differ between seeds and have no mean.
    model = {k: each for k, each in first["model"].items() if k not in ("best_step", "code")}
    for name in ("validation_loss", "best_validation_loss"):
        losses = [run.manifest["model"][name] for run in runs]
        model |= {name: fmean(losses), f"{name}_deviation": stdev(losses)}
    return {
        "runs": [
            {
                "seed": run.config["seed"],
                "run": run.folder.name,
                "run_id": run.manifest["run_id"],
                "model_id": run.manifest["model_id"],
                "validation_loss": run.manifest["model"]["validation_loss"],
                "sha256": run.manifest["sha256"],
            }
            for run in runs
        ],
        "warnings": _warnings(runs),
        "code": provenance.code(),
        "corpus": first["corpus"],
        "model": model,
        "generation": first["generation"],
        "seeds": {"seed": [run.config["seed"] for run in runs], "corpus": first["seeds"]["corpus"]},
        "hardware": first["hardware"],
        "packages": provenance.packages(),
        "sha256": provenance.hashes(folder),
        "without_exact_distribution": first["without_exact_distribution"],
    }


def _warnings(runs: Sequence[Run]) -> list[str]:
    """The warnings of the runs, each with its seed, and what differs between the runs."""
    warnings = []
    for run in runs:
        seed = f"seed {run.config['seed']}"
        other_code = provenance.other_code(run.manifest["code"], "its run was made")
        own = [*run.manifest["warnings"], *([other_code] if other_code else [])]
        warnings += [f"{seed}: {warning}" for warning in own]
    for key in ("hardware", "packages"):
        if any(run.manifest[key] != runs[0].manifest[key] for run in runs):
            differ = f"the runs of these seeds differ in {key}; their manifests say how"
            progress.say(f"warning: {differ}")
            warnings.append(differ)
    return warnings
