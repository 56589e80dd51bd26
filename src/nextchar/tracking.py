"""What a run logs while it works, kept by labml: scalars and texts by name and step.

The only room that imports labml, and only when a run starts. `track` opens a labml experiment in a
run's `labml/` folder, which then holds one folder per start, named by its time (labml's "uuid"):

    labml/<YYYYmmdd-HHMMSS>-<8 hex digits>/
        run.yaml         name, comment, program, date; its commit is always "unknown", since the
                         run's manifest.json has it
        configs.yaml     the config that was handed over
        indicators.yaml  the names of the scalars
        run_log.jsonl    one line when the block ends: status completed, crashed or interrupted;
                         a killed run has no such file
        sqlite.db        table scalars (indicator, step, value), in double precision
        tensorboard/     one event file: scalars in single precision, texts as Markdown code blocks
        texts.jsonl      the texts, one per line: step, name, text
        pids/0.pid       the process

`tensorboard --logdir <run>/labml` shows them. Names are kept as they are, except for TensorBoard's
tags (see `tensorboard_tag`). Infinities are kept; so is NaN, but as NULL in sqlite, which has none.

A record survives a killed process once it is flushed: by `texts`, by `flush`, at the end of the
block however it ends, and by `scalars` when the last flush is a second or more ago. Call `flush`
before a long time without logging.

labml keeps its state in module globals, prints, writes to ~/.labml, looks for .labml.yaml in every
parent folder and replaces sys.stdout.write. Each block gets a fresh labml with all that switched
off: nothing is printed, sent, or written outside the folder.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from nextchar.config import ConfigError
from nextchar.results import Metric, Sample, TrainingRecord

FLUSH_SECONDS = 1.0

LONGEST = 504
"""Bytes of the longest path that sqlite opens: 512 with what it appends."""

_active: Path | None = None


class Tracker:
    """Logs into one open run, whose files are in `folder`; `track` makes it for its block.

    Use it only in the thread that opened it, because of sqlite's connection.
    """

    def __init__(self, run: Any) -> None:
        from labml.internal.tracker import tracker_singleton
        from labml.internal.tracker.writers import sqlite
        from torch.utils.tensorboard import SummaryWriter

        self.folder = Path(run.run_path)
        self._labml = tracker_singleton()
        self._sqlite = sqlite.Writer(run.sqlite_path, run.artifacts_folder)
        self._labml.add_writer(self._sqlite)
        # labml's TensorBoard writer never flushes, takes no text and writes `top_p=0/9`.
        self._events = SummaryWriter(str(run.tensorboard_log_path))
        self._flushed = time.monotonic()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Log numbers by name.

        Log all values of a step in one call: labml rewrites indicators.yaml in each call that has
        new names, so one call per name takes quadratic time. Raises ValueError for a name that is
        empty, contains / or *, or ends in a dot; nothing is logged then.
        """
        _check(values)
        self._labml.set_global_step(step)
        for name, value in values.items():
            self._labml.store(name, float(value))
            self._events.add_scalar(tensorboard_tag(name), float(value), step)
        self._labml.write()
        if time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def texts(self, step: int, texts: Mapping[str, str]) -> None:
        """Log texts by name, and flush. Raises as `scalars` does."""
        _check(texts)
        # Not through labml's indicators: its writers keep no text, and ? in a name is a pattern.
        records = [{"step": step, "name": name, "text": text} for name, text in texts.items()]
        with (self.folder / "texts.jsonl").open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(record) + "\n" for record in records))
        for name, text in texts.items():
            # TensorBoard renders Markdown, which joins lines; four spaces keep a text as it is.
            block = "    " + text.replace("\n", "\n    ")
            self._events.add_text(tensorboard_tag(name), block, step)
        self.flush()

    def flush(self) -> None:
        """Write to disk what was logged so far."""
        self._sqlite.flush()
        self._events.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Flush, and close the files."""
        try:
            self.flush()
        finally:
            self._labml.reset_writers()  # or labml flushes the closed files at its end
            self._events.close()
            if self._sqlite.conn is not None:
                self._sqlite.conn.close()


def require(folder: Path) -> None:
    """Raise ConfigError if the path of labml's database below `folder` would be too long."""
    database = folder.absolute() / "00000000-000000-00000000" / "sqlite.db"
    excess = len(os.fsencode(database)) - LONGEST
    if excess > 0:
        raise ConfigError(
            f"paths.outputs: {folder.parent} is {excess} bytes too long for labml's database in "
            f"it ({LONGEST} with its name): choose a shorter folder or name"
        )


@contextmanager
def track(
    folder: Path, *, name: str, config: Mapping[str, object], comment: str = ""
) -> Iterator[Tracker]:
    """Open a labml experiment inside `folder` (the run's `labml/` folder), which is created.

    An exception in the block is recorded as crashed, KeyboardInterrupt as interrupted, a normal
    end as completed; the exception propagates. A value in `config` that JSON cannot express is
    recorded as its `str`. labml supports one experiment per process: RuntimeError if a block is
    already open in this process. Raises OSError where labml's database can't be written.
    """
    global _active  # noqa: PLW0603 - labml supports one experiment per process
    folder = Path(folder).resolve()
    if _active is not None:
        raise RuntimeError(f"already tracking into {_active}: end that block before another track")
    _active = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _import_labml()
        with _fresh_labml(folder):
            from labml import experiment
            from labml.internal.experiment import experiment_singleton

            # labml keeps a run in <experiments>/<name>/<uuid>, so `name` would add a folder level
            # or leave the folder (`../x`): it is set after the paths.
            experiment.create(
                uuid=f"{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}",
                name=folder.name,
                python_file=sys.argv[0],
                comment=comment,
                writers=set(),
                tags=set(),
            )
            run = experiment_singleton().run
            run.name = name
            run.diff = None
            experiment.configs(json.loads(json.dumps(dict(config), default=str)))
            with experiment.start(), closing(Tracker(run)) as tracker:
                yield tracker
    except sqlite3.Error as error:  # of labml's database, which a full disk leaves without tables
        raise OSError(f"{folder}: labml can't write there ({error}); is the disk full?") from error
    finally:
        _active = None


def track_record(tracker: Tracker, record: TrainingRecord) -> None:
    """Log one training record at its step."""
    scalars = {"loss.train": record.train_loss, "learning_rate": record.learning_rate}
    if record.val_loss is not None:
        scalars["loss.validation"] = record.val_loss
    tracker.scalars(record.step, scalars)


def track_results(
    tracker: Tracker, step: int, metrics: Iterable[Metric], samples: Iterable[Sample]
) -> None:
    """Log all metrics and texts at `step`, the last of the training.

    The name of a text is no other text's; TensorBoard shows them all, grouped by sampler.
    """
    tracker.scalars(step, {f"{row.metric}.{_named(row.sampler)}": row.value for row in metrics})
    texts = {f"{_named(s.sampler)}.prompt={s.prompt}.sample={s.sample}": s.text for s in samples}
    tracker.texts(step, texts)


def _named(sampler: str) -> str:
    """A sampler's label in a name: what labml allows in none is written as in a URL, `%2F`."""
    return re.sub(r"[%/*]|\.$", lambda found: f"%{ord(found[0]):02X}", sampler)


def tensorboard_tag(name: str) -> str:
    """TensorBoard's tag for a name: a dot before a letter becomes the slash TensorBoard groups by.

    `top_p=0.9.prompt=0` becomes `top_p=0.9/prompt=0`; `tag.replace('/', '.')` restores the name.
    """
    return re.sub(r"\.(?=[^\W\d])", "/", name)


def _check(names: Iterable[str]) -> None:
    for name in names:
        if not name or name.endswith(".") or not {"/", "*"}.isdisjoint(name):
            raise ValueError(
                f"tracked name {name!r}: write group.name, without / or *, no dot at the end"
            )


def _import_labml() -> None:
    """Import labml, and undo what the import does to the process."""
    found = [(stream, vars(stream).get("write")) for stream in (sys.stdout, sys.stderr)]
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # GitPython raises without git
    try:
        import labml.experiment
        import labml.internal.api.logs
    finally:
        for stream, write in found:
            if write is not None:
                stream.write = write  # type: ignore[method-assign]
            elif "write" in vars(stream):
                del stream.write
    # If labml was imported before, its hook may be active: it would keep all output in memory.
    labml.internal.api.logs.API_LOGS.outputs = lambda **_: None


def _no_repository(path: object) -> None:
    raise ValueError("labml runs no git")


@contextmanager
def _fresh_labml(folder: Path) -> Iterator[None]:
    """A fresh, silent, offline labml that knows only `folder`; restores the previous one."""
    from labml import experiment as public
    from labml.internal import experiment, lab, logger, monitor, track_debug, tracker
    from labml.internal.computer import configs as computer

    settings = SimpleNamespace(
        path=folder,
        experiments=folder.parent,
        data_path=folder,
        web_api=None,
        check_repo_dirty=False,
        indicators=[{"class_name": "Scalar", "is_print": False, "name": "*"}],
        set_path=lambda path: None,  # no search for .labml.yaml
    )
    silence = SimpleNamespace(log=lambda *_, **__: None, info=lambda *_, **__: None)
    # GitPython expands $NAME in a path; provenance has the commit.
    no_git = SimpleNamespace(
        Repo=_no_repository, GitCommandError=ValueError, InvalidGitRepositoryError=ValueError
    )
    fresh: list[tuple[Any, str, object]] = [
        (lab, "_internal", settings),
        (logger, "_internal", silence),
        (experiment, "git", no_git),
        (computer, "_internal", SimpleNamespace(uuid="", add_project=lambda path: None)),
        *((module, "_internal", None) for module in (tracker, track_debug, monitor, experiment)),
        (experiment, "_global_params", None),
        (public, "_load_run_uuid", None),
        (public, "_load_checkpoint", None),
    ]
    found = [(module, attribute, getattr(module, attribute)) for module, attribute, _ in fresh]
    try:
        for module, attribute, value in fresh:
            setattr(module, attribute, value)
        yield
    finally:
        for module, attribute, value in found:
            setattr(module, attribute, value)
