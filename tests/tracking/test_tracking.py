"""Real labml, real files: what is logged comes back, and nothing else happens."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.io_wrapper import GetLogdirSubdirectories

from nextchar import tracking
from nextchar.results import Metric, Sample
from nextchar.tracking import tensorboard_tag, track, track_results

Records = list[tuple[str, int, Any]]

ODD_NAMES = [
    "temperature=0.7 top_p=0.95",
    "sample.top_k=5",
    "x.1.y.2",
    "1.5",
    ".hidden",
    " leading and trailing ",
    "?",
    "a?",
    "ab",
    "a'b\"; DROP TABLE scalars",
    "a: b # c",
    "{a} [b] %s \\",
    "two\nlines\tand a tab",
    "größe 温度",
]
ODD_TEXTS = [
    "",
    "\n",
    "    \n  a",
    "a\r\nb\n\n",
    "```\n# a <b>\n```",
    "温度\u2028\x00\x0c",
    "xy" * 50_000,
]


@pytest.fixture(autouse=True)
def empty_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty home and an empty working folder, which every test must leave empty."""
    for place in ("home", "here"):
        (tmp_path / place).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    yield
    assert [*(tmp_path / "home").iterdir(), *(tmp_path / "here").iterdir()] == []


def sqlite_scalars(run: Path) -> Records:
    with closing(sqlite3.connect(run / "sqlite.db")) as connection:
        return connection.execute("SELECT * FROM scalars ORDER BY rowid").fetchall()


def events(labml_folder: Path) -> EventAccumulator:
    """The one event file below a run's labml folder, found as `tensorboard --logdir` finds it."""
    (folder,) = GetLogdirSubdirectories(str(labml_folder))
    (_,) = Path(folder).iterdir()
    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
    return accumulator.Reload()


def event_scalars(labml_folder: Path) -> Records:
    found = events(labml_folder)
    tags = found.Tags()["scalars"]
    return [(tag, event.step, event.value) for tag in tags for event in found.Scalars(tag)]


def event_texts(labml_folder: Path) -> Records:
    found = events(labml_folder)
    return [
        (
            tag.removesuffix("/text_summary"),
            event.step,
            event.tensor_proto.string_val[0].decode()[4:].replace("\n    ", "\n"),
        )
        for tag in found.Tags()["tensors"]
        for event in found.Tensors(tag)
    ]


def samples(run: Path) -> Records:
    lines = (run / "texts.jsonl").read_text("utf-8").split("\n")
    assert lines.pop() == ""
    return [(record["name"], record["step"], record["text"]) for record in map(json.loads, lines)]


def status(run: Path) -> dict[str, Any]:
    (line,) = (run / "run_log.jsonl").read_text().splitlines()
    record: dict[str, Any] = json.loads(line)
    return record


def child(code: str, *arguments: Path, **environment: str) -> subprocess.Popen[str]:
    """A Python of its own, in which every warning is an error."""
    return subprocess.Popen(
        [sys.executable, "-B", "-W", "error", "-c", code, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_scalars_and_texts_come_back_with_names_steps_and_values(tmp_path: Path) -> None:
    with track(tmp_path / "labml", name="a", config={}) as tracker:
        for step in (0, 10, 20):
            tracker.scalars(step, {"loss.train": 1.1 + step, "learning_rate": 1e-3})
            tracker.texts(step, {"sample.greedy": f"step {step}\nTO be", "sample.top_k=5": "or"})
    steps = (0, 10, 20)
    scalars = [
        record
        for step in steps
        for record in (("loss.train", step, 1.1 + step), ("learning_rate", step, 1e-3))
    ]
    texts = [
        record
        for step in steps
        for record in (
            ("sample.greedy", step, f"step {step}\nTO be"),
            ("sample.top_k=5", step, "or"),
        )
    ]
    assert sqlite_scalars(tracker.folder) == scalars
    assert samples(tracker.folder) == texts
    single = [(tensorboard_tag(name), step, float(np.float32(x))) for name, step, x in scalars]
    assert sorted(event_scalars(tmp_path / "labml")) == sorted(single)
    tagged = [(tensorboard_tag(name), step, text) for name, step, text in texts]
    assert sorted(event_texts(tmp_path / "labml")) == sorted(tagged)


def test_odd_names_and_odd_texts_survive(tmp_path: Path) -> None:
    texts = dict(zip(ODD_NAMES, ODD_TEXTS + ODD_NAMES, strict=False))
    with track(tmp_path / "labml", name="a", config={}) as tracker:
        tracker.texts(1, texts)
        tracker.scalars(2, {name: i for i, name in enumerate(ODD_NAMES)})
        tracker.texts(3, texts)
    assert sqlite_scalars(tracker.folder) == [(name, 2, i) for i, name in enumerate(ODD_NAMES)]
    expected = [(name, step, text) for step in (1, 3) for name, text in texts.items()]
    assert samples(tracker.folder) == expected
    indicators = yaml.safe_load((tracker.folder / "indicators.yaml").read_text())["indicators"]
    assert indicators.keys() == set(ODD_NAMES)

    def untag(records: Records) -> Records:
        return sorted((tag.replace("/", "."), step, value) for tag, step, value in records)

    assert untag(event_texts(tmp_path / "labml")) == sorted(expected)
    scalars = sorted((name, 2, i) for i, name in enumerate(ODD_NAMES))
    assert untag(event_scalars(tmp_path / "labml")) == scalars


def test_results_are_logged_at_one_step_in_one_call_under_names_that_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """labml writes indicators.yaml in each call with new names: one call, or quadratic time."""
    samplers = ["greedy", "temperature=0.7 top_p=0.95"]
    metrics = [Metric(s, f"m{i}", i, i, i, 1, "bits") for s in samplers for i in range(50)]
    texts = [
        Sample(sampler, prompt, sample, "p", f"{sampler} {prompt} {sample}", ())
        for sampler in samplers
        for prompt in range(3)
        for sample in range(2)
    ]
    with track(tmp_path / "labml", name="a", config={}) as tracker:
        tracker.scalars(6, {"loss.train": 1.0})
        from labml.internal import util

        written: list[object] = []
        dump = util.yaml_dump
        monkeypatch.setattr(util, "yaml_dump", lambda what: written.append(what) or dump(what))
        track_results(tracker, 7, metrics, texts)
    assert len(written) == 1
    found = sqlite_scalars(tracker.folder)[1:]
    assert found == [(f"{row.metric}.{row.sampler}", 7, row.value) for row in metrics]
    kept = samples(tracker.folder)
    assert {step for _, step, _ in kept} == {7}
    assert [text for _, _, text in kept] == [sample.text for sample in texts]
    assert len({name for name, _, _ in kept}) == len(texts)
    tags = {tag for tag, _, _ in event_texts(tmp_path / "labml")}
    assert "temperature=0.7 top_p=0.95/prompt=2/sample=1" in tags
    assert len(tags) == len(texts)


@given(st.text(st.characters(exclude_characters="/")))
def test_a_tag_gives_its_name_back(name: str) -> None:
    assert tensorboard_tag(name).replace("/", ".") == name


def test_a_tag_groups_by_words_and_leaves_numbers_whole() -> None:
    assert tensorboard_tag("loss.train") == "loss/train"
    assert tensorboard_tag("bits.top_p=0.9 top_k=5") == "bits/top_p=0.9 top_k=5"


def test_infinities_and_nan_are_kept(tmp_path: Path) -> None:
    values = {"float32": np.float32(1.5), "inf": -math.inf, "nan": math.nan}
    with track(tmp_path / "labml", name="a", config={}) as tracker:
        tracker.scalars(1, values)  # type: ignore[arg-type]
    assert [value for _, _, value in sqlite_scalars(tracker.folder)] == [1.5, -math.inf, None]
    in_events = {tag: value for tag, _, value in event_scalars(tmp_path / "labml")}
    assert math.isnan(in_events.pop("nan"))
    assert in_events == {"float32": 1.5, "inf": -math.inf}


@pytest.mark.parametrize("name", ["", "a/b", "a.", "*", "a*b"])
def test_names_that_would_not_come_back_are_refused(tmp_path: Path, name: str) -> None:
    with track(tmp_path / "labml", name="a", config={}) as tracker:
        with pytest.raises(ValueError, match="tracked name"):
            tracker.scalars(0, {name: 1.0})
        with pytest.raises(ValueError, match="tracked name"):
            tracker.texts(0, {name: "text"})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, ("completed", None)),
        (ValueError("boom"), ("crashed", "boom")),
        (KeyboardInterrupt(), ("interrupted", None)),
    ],
)
def test_how_the_block_ended_is_recorded_and_what_it_logged_kept(
    tmp_path: Path, error: BaseException | None, expected: tuple[str, str | None]
) -> None:
    raised = None
    try:
        with track(tmp_path / "labml", name="a", config={}) as tracker:
            tracker.scalars(1, {"a": 2.0})
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt) as caught:
        raised = caught
    assert raised is error
    record = status(tracker.folder)
    assert (record["status"], record["details"]) == expected
    assert sqlite_scalars(tracker.folder) == [("a", 1, 2.0)]
    assert event_scalars(tmp_path / "labml") == [("a", 1, 2.0)]


def test_labml_knows_the_run_by_name_comment_and_config(tmp_path: Path) -> None:
    from labml.internal.manage.runs import get_run_by_uuid

    config = {"seed": np.float64(1.5), "model": {"layers": 4, "path": Path("x")}, "none": None}
    with track(tmp_path / "labml", name="../a b/c", config=config, comment="why") as tracker:
        pass
    assert tracker.folder.parent == tmp_path / "labml"
    assert get_run_by_uuid(tmp_path, tracker.folder.name) == tracker.folder
    run = yaml.safe_load((tracker.folder / "run.yaml").read_text())
    assert (run["name"], run["comment"], run["uuid"]) == ("../a b/c", "why", tracker.folder.name)
    stored = yaml.safe_load((tracker.folder / "configs.yaml").read_text())
    values = {key: entry["value"] for key, entry in stored.items()}
    assert values == {"seed": 1.5, "model": {"layers": 4, "path": "x"}, "none": None}


def test_runs_in_one_process_do_not_leak_into_each_other(tmp_path: Path) -> None:
    import labml.internal.tracker as labml_tracker
    import labml.tracker

    before = labml_tracker._internal
    with (
        pytest.raises(ValueError, match="boom"),
        track(tmp_path / "first", name="first", config={"a": 1}) as first,
    ):
        first.scalars(7, {"a": 1.0})
        labml.tracker.add("unsaved", 1.0)
        raise ValueError("boom")
    assert labml_tracker._internal is before
    with track(tmp_path / "second", name="second", config={"b": 2}) as second:
        assert labml.tracker.get_global_step() == 0
        second.scalars(3, {"b": 2.0})
    for tracker, name, record in ((first, "a", ("a", 7, 1.0)), (second, "b", ("b", 3, 2.0))):
        assert sqlite_scalars(tracker.folder) == [record]
        assert event_scalars(tracker.folder.parent) == [record]
        indicators = yaml.safe_load((tracker.folder / "indicators.yaml").read_text())
        assert indicators["indicators"].keys() == {name}
        assert yaml.safe_load((tracker.folder / "configs.yaml").read_text()).keys() == {name}


def test_blocks_do_not_nest(tmp_path: Path) -> None:
    with track(tmp_path / "outer", name="outer", config={}) as outer:
        with (
            pytest.raises(RuntimeError, match="already tracking"),
            track(tmp_path / "inner", name="inner", config={}),
        ):
            pass
        outer.scalars(1, {"a": 1.0})
    assert status(outer.folder)["status"] == "completed"
    assert sqlite_scalars(outer.folder) == [("a", 1, 1.0)]
    assert not (tmp_path / "inner").exists()


def test_a_slow_loop_has_each_record_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "FLUSH_SECONDS", 0.0)
    with track(tmp_path / "labml", name="a", config={}) as tracker:
        for step in range(3):
            tracker.scalars(step, {"a": 1.0})
            assert sqlite_scalars(tracker.folder)[-1] == ("a", step, 1.0)
            assert event_scalars(tmp_path / "labml")[-1] == ("a", step, 1.0)


def test_silent_and_no_random_state_is_touched(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def states() -> tuple[object, ...]:
        return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()

    before = states(), dict(vars(sys.stdout)), dict(vars(sys.stderr))
    with track(tmp_path / "labml", name="a", config={}, comment="why") as tracker:
        tracker.scalars(1, {"a": 1.0})
        tracker.texts(1, {"b": "text"})
        assert (dict(vars(sys.stdout)), dict(vars(sys.stderr))) == before[1:]
    assert (states(), dict(vars(sys.stdout)), dict(vars(sys.stderr))) == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's list of open files")
def test_no_file_and_no_thread_stays_open(tmp_path: Path) -> None:
    before = threading.active_count()
    for _ in range(2):
        with track(tmp_path / "labml", name="a", config={}) as tracker:
            tracker.scalars(1, {"a": 1.0})
            assert threading.active_count() > before
    assert threading.active_count() == before
    links = [link for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert [link for link in links if tmp_path in link.resolve().parents] == []


KILLED = """
import os, signal, sys
from pathlib import Path
from nextchar.tracking import track
with track(Path(sys.argv[1]), name="a", config={}) as tracker:
    for step in range(50):
        tracker.texts(step, {"t": str(step)})
        tracker.scalars(step, {"a": step, "b": -step})
    tracker.flush()
    sys.setswitchinterval(60)  # TensorBoard's thread gets its turn in a flush or not at all
    tracker.texts(50, {"t": "50"})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    process = child(KILLED, tmp_path / "labml")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    (run,) = (tmp_path / "labml").iterdir()
    expected = [
        (name, step, sign * step) for step in range(50) for name, sign in (("a", 1), ("b", -1))
    ]
    assert sqlite_scalars(run) == expected
    assert sorted(event_scalars(tmp_path / "labml")) == sorted(expected)
    assert samples(run) == [("t", step, str(step)) for step in range(51)]
    assert event_texts(tmp_path / "labml") == samples(run)
    assert not (run / "run_log.jsonl").exists()


HOSTILE = """
import json, os, sys
from pathlib import Path
folder, report = Path(sys.argv[1]), Path(sys.argv[2])
network, strays = [], []
def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib")):
        network.append(repr((event, arguments)))
        raise OSError("there is no network")
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        path = os.fsdecode(arguments[0])
        if not path.startswith((str(folder), os.devnull)):
            strays.append(path)
    if event in ("os.mkdir", "os.symlink") and not str(arguments[0]).startswith(str(folder)):
        strays.append(repr(arguments))
    if event == "subprocess.Popen" and arguments[1] != ["git", "version"]:  # GitPython's import
        strays.append(repr(arguments))
def mine(text):
    return type(sys.stderr).write(sys.stderr, text)
sys.stderr.write = mine
before = dict(vars(sys.stdout)), dict(vars(sys.stderr))
import torch
sys.addaudithook(watch)
from nextchar.tracking import track
assert "labml" not in sys.modules
with track(folder, name="a", config={"a": 1}) as tracker:
    tracker.scalars(1, {"a": 1.0})
    tracker.texts(1, {"b": "text"})
after = dict(vars(sys.stdout)), dict(vars(sys.stderr))
found = {"network": network, "strays": strays, "streams": before == after}
report.write_text(json.dumps(found))
"""


def test_offline_silent_and_alone_where_all_is_hostile(tmp_path: Path) -> None:
    """No git, no network, an alien .labml.yaml above, a labml server named in the environment."""
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "run").mkdir()
    (project / ".labml.yaml").write_text("no_such_key: 1\nweb_api: http://labml.invalid/track?\n")
    hostile = {"PATH": "", "labml_server": "http://labml.invalid", "RUN_UUID": "taken"}
    process = child(HOSTILE, project / "run" / "labml", tmp_path / "report", **hostile)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0
    report = json.loads((tmp_path / "report").read_text())
    assert report == {"network": [], "strays": [], "streams": True}
    assert {path.name for path in project.iterdir()} == {".git", ".labml.yaml", "run"}
    (run,) = (project / "run" / "labml").iterdir()
    assert sqlite_scalars(run) == [("a", 1, 1.0)]
    assert samples(run) == [("b", 1, "text")]


AT_ONCE = """
import os, sys, time
from pathlib import Path
import torch.utils.tensorboard
from nextchar.tracking import track
me, places = sys.argv[1], [Path(place) for place in sys.argv[2:]]
for place in places:
    os.environ["HOME"] = str(place / "home")
    (place / "ready" / me).touch()
    while len(list((place / "ready").iterdir())) < 4:
        time.sleep(0)
    with track(place / "labml", name="a", config={}) as tracker:
        tracker.scalars(1, {"a": 1.0})
        tracker.texts(1, {"b": me})
"""


def test_processes_may_start_at_once(tmp_path: Path) -> None:
    places = [tmp_path / f"round {i}" for i in range(8)]
    for place in places:
        (place / "home").mkdir(parents=True)
        (place / "ready").mkdir()
    processes = [child(AT_ONCE, Path(str(i)), *places) for i in range(4)]
    try:
        for process in processes:
            assert process.communicate(timeout=60) == ("", "")
            assert process.returncode == 0
    finally:
        for process in processes:
            process.kill()
    for place in places:
        runs = list((place / "labml").iterdir())
        assert sorted(text for run in runs for _, _, text in samples(run)) == ["0", "1", "2", "3"]
        assert all(status(run)["status"] == "completed" for run in runs)
        assert list((place / "home").iterdir()) == []


def test_any_label_can_be_tracked():
    hostile = ["a/b*c.", "a%2Fb*c.", "a/b*c", "x.", "x%2E", "x%", "/", "*", ".", "$", "ü"]
    names = [tracking._named(label) for label in hostile]
    assert len(set(names)) == len(hostile)
    tracking._check(f"metric.{name}" for name in names)
    usual = ["greedy", "temperature=0.7 top_p=0.95", "labml_nn.TopKSampler k=2", "xtc=0.1,a=null"]
    assert [tracking._named(label) for label in usual] == usual


def test_a_folder_may_have_the_name_of_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    with tracking.track(tmp_path / "$HOME" / "labml", name="$HOME", config={}) as tracker:
        tracker.scalars(0, {"loss.train": 1.0})
    assert (tmp_path / "$HOME" / "labml").is_dir()
    assert not (tmp_path / "elsewhere").exists()


def test_a_database_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """As on a full disk: labml goes on without its tables."""
    with (
        pytest.raises(OSError, match=r"labml.*(no such table|locked).*full"),
        track(tmp_path, name="full", config={}) as tracker,
    ):
        tracker.scalars(1, {"loss.train": 1.0})
        (found,) = tmp_path.rglob("sqlite.db")
        with sqlite3.connect(found) as connection:
            connection.execute("DROP TABLE scalars")
        connection.close()
        tracker.scalars(2, {"loss.train": 1.0})
