"""Runs from Python programs and notebooks: compute one, or read a finished one."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from nextchar import config, results
from nextchar.config import ConfigError
from nextchar.report import notebook

Row = TypeVar("Row")


class Rows(list[Row]):
    """The rows of a table: a list that pandas can take over."""

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame, a column for each field.

        Raises ImportError where pandas is not installed; nextchar itself does without it.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError("to_pandas() needs pandas: pip install pandas") from None
        return pd.DataFrame(list(self))


@dataclass(frozen=True, repr=False)
class Run(results.Run):
    """A finished run. In a notebook it shows itself as the table of the comparison.

    Each table is a list of rows with `to_pandas()`: `metrics` (sampler, metric, value, low, high,
    n, unit), `samples` (the texts), `differences`, `training`, and, where the run has them,
    `families`, `truncation` and `possible`. `folder` holds the files, `report.html` among them;
    `config` and `manifest` say what was asked and where each figure comes from.
    """

    metrics: Rows[results.Metric]
    samples: Rows[results.Sample]
    training: Rows[results.TrainingRecord]
    differences: Rows[results.Difference] = field(default_factory=Rows)
    truncation: Rows[results.Truncation] = field(default_factory=Rows)
    possible: Rows[results.Possible] = field(default_factory=Rows)
    families: Rows[results.FamilyFigure] = field(default_factory=Rows)

    def __repr__(self) -> str:
        return f"<nextchar.Run {self.folder}: {', '.join(self.samplers)}>"

    def _repr_html_(self) -> str:
        return notebook.as_html(self)


def run(*overrides: str) -> Run:
    """Train a model and compare samplers, or read the result back where it is finished.

    `overrides` are those of the command line: `run("experiment=smoke", "seed=1")` is the run of
    `nextchar-run experiment=smoke seed=1`. Results go to `paths.outputs`, `outputs` in the current
    folder by default; progress is printed on standard error. The run sets torch's number of threads
    and its deterministic algorithms for the whole process.
    Raises ConfigError, in one line and before anything is written, for what can't be run.
    """
    composed = config.compose(*overrides)
    from nextchar.experiment.stored import read_or_run

    return _with_rows(read_or_run(composed, shlex.join(["nextchar-run", *overrides])))


def read_run(path: str | os.PathLike[str]) -> Run:
    """A finished run: its folder, its name in outputs/runs, or outputs/latest.

    Raises ConfigError where there is no run, an unfinished or damaged one, or a sweep.
    """
    folder = find_folder(path)
    if (folder / "sweep.json").exists():
        raise ConfigError(f"path={path}: is a sweep; name one of its runs in {outputs() / 'runs'}")
    if not (folder / results.DONE).exists():
        raise ConfigError(f"path={path}: no finished run there; name one of {outputs() / 'runs'}")
    return _with_rows(results.read_run(folder))


def outputs() -> Path:
    """The folder of results: NEXTCHAR_OUTPUTS, or `outputs` in the current folder."""
    return Path(os.environ.get("NEXTCHAR_OUTPUTS", "outputs")).expanduser()


def find_folder(name: str | os.PathLike[str]) -> Path:
    """The folder of a run, sweep or model: its path, name, or the beginning of its name or id.

    Raises ConfigError where nothing or more than one thing is meant.
    """
    return results.find_folder(name, outputs())


def newest() -> Path:
    """The newest run or sweep: outputs/latest, or where there is no such link, by its files' times.

    Raises ConfigError where there is none.
    """
    latest = outputs() / "latest"
    if latest.exists():
        return latest.resolve()
    if found := results.runs_and_sweeps(outputs()):
        return found[0].resolve()
    raise ConfigError(f"{latest}: there is no run yet; run the experiment, or name a folder")


def newest_run() -> Path:
    """The newest finished run, where the newest of all may be a sweep."""
    if (newest() / results.DONE).exists():
        return newest()
    finished = [
        each for each in results.runs_and_sweeps(outputs()) if (each / results.DONE).exists()
    ]
    return finished[0] if finished else newest()


def _with_rows(run: results.Run) -> Run:
    values = {each.name: getattr(run, each.name) for each in fields(run)}
    tables = {key: Rows(each) for key, each in values.items() if isinstance(each, list | tuple)}
    return Run(**values | tables)
