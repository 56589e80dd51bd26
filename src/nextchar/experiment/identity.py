"""The identity of a run, from its config and the identity of its corpus alone."""

from __future__ import annotations

from dataclasses import dataclass

from nextchar import config
from nextchar.config import Config


@dataclass(frozen=True)
class Identity:
    """`run` is the run's folder in outputs/runs, `<name>-<run_id>`. `models` and `parts` are the
    model and the run of each seed, in ascending order; with one seed the only part is the run.
    """

    run: str
    run_id: str
    models: tuple[str, ...]
    parts: tuple[str, ...]


def identify(asked: Config, corpus: str, *, substituted: bool) -> Identity:
    """The identity of the run of a config.

    `corpus` is the identity of its text (nextchar.data.source.identity); `substituted` says whether
    that text replaces another one: such a run is not the run of a config that names the text.
    """
    plugins = config.load_plugins(asked.plugins)
    models = tuple(config.model_id(part, corpus) for part in asked.parts)
    runs = [
        config.run_id(part, model, instead=substituted, plugins=plugins)
        for part, model in zip(asked.parts, models, strict=True)
    ]
    run_id = runs[0] if asked.seeds is None else config.pooled_id(runs)
    parts = tuple(f"{asked.name}-{run}" for run in runs)
    return Identity(f"{asked.name}-{run_id}", run_id, models, parts)
