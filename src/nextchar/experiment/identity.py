"""The identity of a run, from its config and the identity of its corpus alone."""

from __future__ import annotations

from dataclasses import dataclass

from nextchar.config import Config, load_used, model_id, pooled_id, run_id


@dataclass(frozen=True)
class Identity:
    """`run` is the run's folder in outputs/runs, `<name>-<run_id>`. `models` and `parts` are the
    model and the run of each seed, in ascending order; with one seed the only part is the run.
    """

    run: str
    run_id: str
    models: tuple[str, ...]
    parts: tuple[str, ...]


def identify(config: Config, corpus: str, *, substituted: bool) -> Identity:
    """The identity of the run of a config.

    `corpus` is the identity of its text (nextchar.data.source.identity); `substituted` says whether
    that text replaces another one: such a run is not the run of a config that names the text.
    """
    plugins = load_used(config.plugins, config.decoding.samplers)
    models = tuple(model_id(part, corpus) for part in config.parts)
    runs = [
        run_id(part, model, fallback=substituted, plugins=plugins)
        for part, model in zip(config.parts, models, strict=True)
    ]
    own = runs[0] if config.seeds is None else pooled_id(runs)
    parts = tuple(f"{config.name}-{run}" for run in runs)
    return Identity(f"{config.name}-{own}", own, models, parts)
