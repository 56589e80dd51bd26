"""A finished run is shown at once: it is found and read without torch."""

from __future__ import annotations

from pathlib import Path

from nextchar import results
from nextchar.config import Config
from nextchar.data import source
from nextchar.experiment.identity import identify
from nextchar.results import Run, provenance
from nextchar.runtime import progress


def read_or_run(config: Config, command: str) -> Run:
    """The finished run of a config, or the one that is computed now; `command` is for the record.

    Raises ConfigError, before anything is written, for what can't be run.
    """
    found = find_run(config)
    if found is not None:
        return found
    seeds = f" for {len(config.seeds)} seeds" if config.seeds else ""
    if progress.on_terminal():  # in a log an error of the user is one line, with nothing before it
        progress.say(
            f"{config.name}: {len(config.decoding.samplers)} decoders on {config.corpus.name}"
            f"{seeds}; results go to {config.outputs}"
        )
    from nextchar.plots.beside import Beside

    two = config.threads > 1
    with Beside() as beside:
        if two:
            beside.start()  # now, as it imports for a second
        from nextchar.experiment.run import run_experiment  # imports torch

        return run_experiment(config, command, draw_all=beside.draw_all if two else None)


def find_run(config: Config) -> Run | None:
    """The finished run of a config; None where there is none, or it has to be computed again.

    A text that is gone is known by its corpus.sha256, where the config has one.
    """
    corpus = config.corpus
    missing = corpus.kind == "file" and not Path(corpus.path or "").expanduser().is_file()
    if config.force or (missing and corpus.sha256 is None):
        return None
    if missing:
        identity = identify(config, str(corpus.sha256), substituted=False)
    else:
        located = source.locate(corpus)
        text = source.identity(corpus, located)
        identity = identify(config, text, substituted=bool(located.substituted))
    folder = config.outputs / "runs" / identity.run
    if not results.is_whole(folder):  # what is damaged is said where it is made again
        return None
    say_of_stored(folder)
    results.point_latest(folder)
    return results.read_run(folder)


def say_of_stored(folder: Path) -> None:
    """Tell when a finished run was computed, and warn where other code computed it."""
    stored = results.read_json(folder / results.MANIFEST)
    other_code = provenance.other_code(stored["code"], "these results were made")
    if other_code:
        progress.say(f"warning: {other_code}")
    progress.say(f"finished on {stored['times']['finished']}; force=true computes it again")
