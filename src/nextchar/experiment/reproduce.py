"""A finished run made again from its own folder, and compared with it stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from nextchar import results
from nextchar.config import Config, ConfigError
from nextchar.data import corpus as corpora
from nextchar.experiment.run import run_experiment
from nextchar.results import Metric, Run, Sample
from nextchar.runtime import checked

ENVIRONMENT = ("code", "packages", "hardware", "plugins", "generation")
"""The parts of a manifest that say what a run was computed with."""


@dataclass(frozen=True)
class Stage:
    """One stage of a run, in the order in which they depend on each other.

    `difference` says by how much the two differ; None where they are the same bytes.
    """

    name: str
    difference: str | None


def again(run: Run, outputs: Path, text: Path | None = None) -> Run:
    """Compute the run once more, with all that it needs, into `outputs`.

    `text` is the file of its corpus, where that does not lie in the place that its config names.
    Raises ConfigError, before anything is computed, where the text is not the one of the run.
    """
    config = Config.restore(run.config)
    corpus, recorded = config.corpus, run.manifest["corpus"]
    if recorded["substituted"]:  # the fallback took the place of a file that was not there
        corpus = replace(corpus, path=str(outputs / "no text"), url=None)
    elif text is not None:
        corpus = replace(corpus, path=str(text))
    config = replace(
        config, corpus=corpus, paths=replace(config.paths, outputs=str(outputs)), force=False
    )
    found = corpora.load(corpus).sha256
    if found != recorded["sha256"]:
        raise ConfigError(
            f"corpus.path={corpus.path}: its text has the sha256 {found}, that of the run has "
            f"{recorded['sha256']}; name the file of the run with --text FILE"
        )
    return run_experiment(config, f"nextchar-reproduce {run.folder}")


def stages(run: Run, other: Run) -> Iterator[Stage]:
    """Compare a run with the one that was made again, from the weights to the tables."""
    if run.seeds:
        for part, new in zip(run.manifest["runs"], other.manifest["runs"], strict=True):
            of_seed = [
                results.read_run(each.folder.parent / facts["run"])
                for each, facts in ((run, part), (other, new))
            ]
            for stage in stages(*of_seed):
                yield replace(stage, name=f"seed {part['seed']}: {stage.name}")
    before, after = run.manifest["sha256"], other.manifest["sha256"]
    for name in dict.fromkeys([*before, *after]):
        same = before.get(name) == after.get(name)
        yield Stage(name, None if same else _by_value(name, run, other))


def environment(run: Run, other: Run) -> list[str]:
    """What they were computed with, where it differs: `packages.numpy: 2.4.6, now 2.5.0`."""
    before, after = (
        _flat({name: each.manifest[name] for name in ENVIRONMENT if name in each.manifest})
        for each in (run, other)
    )
    return [
        f"{key}: {before.get(key)}, now {after.get(key)}"
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _flat(value: object, prefix: str = "") -> dict[str, object]:
    if not isinstance(value, Mapping):
        return {prefix.removesuffix("."): value}
    return {
        key: each
        for name, part in value.items()
        for key, each in _flat(part, f"{prefix}{name}.").items()
    }


def _by_value(name: str, run: Run, other: Run) -> str:
    if name == "weights":
        return _weights(*(_checkpoint(each) for each in (run, other)))
    if name == "samples":
        return _samples(run.samples, other.samples)
    if name == "metrics":
        return _metrics(run.metrics, other.metrics)
    return "other bytes"


def _checkpoint(run: Run) -> Path:
    """The weights that wrote the run's texts."""
    models = run.folder.parent.parent / "models"
    checkpoint = f"{run.manifest['model']['checkpoint']}.safetensors"
    return models / str(run.manifest["model_id"]) / checkpoint


def _weights(before: Path, after: Path) -> str:
    if not before.exists():
        return "other bytes; the model of the run is gone, so by how much is not known"
    for path in (before, after):
        checked.check(path.parent, path.name, all_files=False)
    old, new = load_file(before), load_file(after)
    if old.keys() != new.keys():
        return f"other tensors: {', '.join(sorted(old.keys() ^ new.keys()))}"
    far = {name: float(np.abs(old[name] - new[name]).max(initial=0.0)) for name in old}
    name = max(far, key=lambda each: far[each])
    return f"a weight differs by {far[name]:.3g} at most (in {name})"


def _samples(before: Sequence[Sample], after: Sequence[Sample]) -> str:
    pairs = list(zip(before, after, strict=False))
    changed = [(old, new) for old, new in pairs if old.text != new.text]
    if not changed:
        return "the texts are the same; their bits differ"
    old, new = changed[0]
    at = next((i for i, (a, b) in enumerate(zip(old.text, new.text, strict=False)) if a != b), 0)
    return (
        f"{len(changed)} of {len(pairs)} texts differ, first {old.sampler} after prompt "
        f"{old.prompt} at character {at}"
    )


def _metrics(before: Sequence[Metric], after: Sequence[Metric]) -> str:
    new = {(row.sampler, row.metric): row.value for row in after}
    far = {
        f"{row.metric} of {row.sampler}": abs(row.value - new[row.sampler, row.metric])
        for row in before
        if (row.sampler, row.metric) in new
    }
    missing = len(before) + len(new) - 2 * len(far)
    if missing:
        return f"{missing} values stand in one of them only"
    name = max(far, key=lambda each: far[each])
    return f"a value differs by {far[name]:.3g} at most ({name})"
