"""The laws of the launchers: the same sweep has the same summary, whoever did its jobs."""

from __future__ import annotations

import csv
import importlib.util
import io
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sweep_jobs
import torch

from nextchar import results
from nextchar.config import Config, ConfigError
from nextchar.data import source
from nextchar.experiment.identity import identify
from nextchar.results.sweep import FINISHED, RUNNING
from nextchar.runtime import device
from nextchar.sweeps import on_ray, on_slurm, transfer
from nextchar.sweeps.jobs import Task
from nextchar.sweeps.processes import run_each

GRID = (
    "seed=0,1,2",
    "decoding.samplers=[greedy],[{temperature: 0.7}],[{top_k: 5}],[{temperature: 0.7, top_p: 0.9}]",
)
SLURM = ("launcher=slurm", "hydra.launcher.executor=local", "hydra.launcher.poll_seconds=0.1")
LAUNCHERS = {
    "sequential": ("launcher=sequential",),
    "parallel": ("launcher=parallel",),
    "slurm": (*SLURM, "hydra.launcher.at_once=2"),
    "ray": ("launcher=ray",),
}
NEEDS = {"slurm": "submitit", "ray": "ray"}


def _needs(module: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        importlib.util.find_spec(module) is None, reason=f"{module} is not installed"
    )


def _summary(folder: Path) -> Path:
    return folder / "outputs" / "sweeps" / "smoke" / "summary.csv"


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, []), (3, [0, 1, 2, 0])])
def test_jobs_take_several_gpus_in_turn(
    monkeypatch: pytest.MonkeyPatch, count: int, expected: list[int]
) -> None:
    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    for turn in range(4):
        device.select_gpu(turn)
    assert taken == expected


def _task(folder: Path, seed: int, work: str) -> Task:
    from hydra import compose, initialize_config_module

    from nextchar import config

    config.register()
    with initialize_config_module("nextchar.conf", version_base="1.3"):
        composed = compose("config", [*sweep_jobs.overrides(folder), f"seed={seed}"])
    asked = config.resolve(composed)
    return Task(f"job{seed}", asked, "command", folder / f"{seed}.log", f"sweep_jobs:{work}")


def test_processes_are_so_many_at_once_and_all_end(tmp_path: Path) -> None:
    tasks = [_task(tmp_path, seed, "nothing") for seed in range(5)]
    running, most, ended = 0, 0, []
    for key, state in run_each(iter(tasks), 2):
        running += 1 if state.state == RUNNING else -1
        most = max(most, running)
        if state.state != RUNNING:
            ended.append(key)
            assert state.state == FINISHED
            assert (tmp_path / "outputs" / "runs" / key / "DONE").exists()
    assert most == 2
    assert sorted(ended) == [task.key for task in tasks]


def test_a_task_is_taken_when_there_is_room_for_it(tmp_path: Path) -> None:
    """A search makes the next point of what it knows: of the ends that came before."""
    taken: list[int] = []
    ended = 0

    def tasks() -> Iterator[Task]:
        for seed in range(3):
            taken.append(ended)
            yield _task(tmp_path, seed, "nothing")

    for _, state in run_each(tasks(), 1):
        ended += state.state != RUNNING
    assert taken == [0, 1, 2]


def test_giving_up_ends_what_is_at_work(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    events = run_each(iter([_task(tmp_path, 1, "first_then_forever")]), 1)
    next(events)
    written = tmp_path / "outputs" / "1.pid"
    end = time.monotonic() + 60
    while not (written.exists() and written.read_text()):
        assert time.monotonic() < end
        time.sleep(0.05)
    events.close()
    assert not Path("/proc", written.read_text()).exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher",
    [
        pytest.param(name, marks=[_needs(NEEDS[name])] if name in NEEDS else [])
        for name in LAUNCHERS
    ],
)
def test_the_same_twelve_jobs_have_the_same_summary(
    launcher: str, tmp_path: Path, twelve: bytes
) -> None:
    done = sweep_jobs.run(tmp_path, "-m", *GRID, *LAUNCHERS[launcher])
    assert done.returncode == 0, done.stderr
    assert _summary(tmp_path).read_bytes() == twelve
    # Each seed's model was trained once, and is here, whoever trained it.
    models = tmp_path / "outputs" / "models"
    assert len([path for path in models.iterdir() if (path / "model.json").exists()]) == 3
    # And it is done: another launcher computes nothing of it.
    again = sweep_jobs.run(tmp_path, "-m", *GRID, "launcher=parallel")
    assert "12 of 12 jobs were done before" in again.stderr


@pytest.fixture(scope="module")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The summary of the twelve jobs, done one after the other in a plain loop: the truth."""
    folder = tmp_path_factory.mktemp("twelve")
    loop = [sys.executable, "-c", "import sweep_jobs; sweep_jobs.loop()", str(folder), *GRID]
    subprocess.run(loop, check=True, env=sweep_jobs.environment(), cwd=folder)
    before = {path.name: path.stat().st_mtime for path in (folder / "outputs" / "runs").iterdir()}
    done = sweep_jobs.run(folder, "-m", *GRID)
    assert done.returncode == 0, done.stderr
    after = {path.name: path.stat().st_mtime for path in (folder / "outputs" / "runs").iterdir()}
    assert before == after  # the sweep found them all, and computed none
    return _summary(folder).read_bytes()


@pytest.mark.slow
def test_fifty_cached_jobs_cost_little(tmp_path: Path) -> None:
    """Under a second each, the start of the program and the summary included; here it is 0.1 s."""
    grid = ("-m", "hydra.launcher.work=sweep_jobs:nothing", "seed=range(50)", "launcher=parallel")
    assert sweep_jobs.run(tmp_path, *grid).returncode == 0
    started = time.monotonic()
    done = sweep_jobs.run(tmp_path, *grid)
    assert time.monotonic() - started < 50
    assert "50 of 50 jobs were done before" in done.stderr


@pytest.mark.slow
def test_at_the_same_time_in_two_programs_a_model_is_trained_once(tmp_path: Path) -> None:
    """Two runs that start together and need one model: one trains it, the other waits."""
    long = ("training.steps=300", "decoding.samplers=[greedy]")
    both = [
        subprocess.Popen(
            sweep_jobs.program(tmp_path, *long, f"decoding.prompts={prompts}"),
            cwd=tmp_path,
            env=sweep_jobs.environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        for prompts in (2, 3)
    ]
    said = [program.communicate()[1] for program in both]
    assert [program.returncode for program in both] == [0, 0], said
    assert sum("is trained already" in text for text in said) == 1
    assert sum("training  300/300" in text for text in said) == 1
    assert len(list((tmp_path / "outputs" / "models").glob("*.lock"))) == 0


def test_an_archive_arrives_whole(tmp_path: Path) -> None:
    task = _task(tmp_path, 3, "nothing")
    sweep_jobs.nothing(task)
    name = task.key
    outputs = tmp_path / "outputs"
    (outputs / "runs" / name / "config.yaml").write_text("elsewhere")
    results.seal(outputs / "runs" / name)
    packed = transfer.pack(outputs, name, tmp_path / "no.log")
    home = tmp_path / "home"
    there = replace(task.config, paths=replace(task.config.paths, outputs=str(home)))
    transfer.unpack(packed, there, home / "3.log")
    for file in ("metrics.csv", "manifest.json"):
        sent = outputs / "runs" / name / file
        assert (home / "runs" / name / file).read_bytes() == sent.read_bytes()
    assert f"outputs: {home}" in (home / "runs" / name / "config.yaml").read_text()
    assert results.damage(home / "runs" / name) == []
    assert not list((home / "runs").glob(".arriving*"))


def test_what_arrives_is_what_was_sent(tmp_path: Path) -> None:
    """No other name, nothing damaged, and no more than came."""
    task = _task(tmp_path, 3, "nothing")
    sweep_jobs.nothing(task)
    packed = transfer.pack(tmp_path / "outputs", task.key, tmp_path / "no.log")
    (content,) = packed.runs.values()
    home = tmp_path / "home"
    there = replace(task.config, paths=replace(task.config.paths, outputs=str(home)))
    inflated = io.BytesIO()
    with zipfile.ZipFile(inflated, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metrics.csv", "0" * 10**6)
    edited = io.BytesIO(content)
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(edited, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"share", b"shard"))
    for runs, wrong in (
        ({task.key: edited.getvalue()}, r"metrics\.csv: not what was written"),
        ({"../../x": content}, "no name of a run or model"),
        ({".": content}, "no name of a run or model"),
        ({task.key: content[:-30]}, "its archive is damaged"),
        ({task.key: content.replace(b"share", b"shard")}, "its archive is damaged"),
        ({task.key: inflated.getvalue()}, "larger than what was sent"),
    ):
        with pytest.raises(ConfigError, match=wrong):
            transfer.unpack(replace(packed, runs=runs), there, home / "3.log")
    with pytest.raises(ConfigError, match="no name of a run or model"):
        transfer.unpack(replace(packed, models={"../m": content}), there, home / "3.log")
    assert [path.name for path in home.rglob("*") if path.is_file()] == ["3.log"]
    assert not (tmp_path / "x").exists()


def test_a_planted_text_is_not_trained_on(tmp_path: Path) -> None:
    asked = _task(tmp_path, 0, "nothing").config
    there = transfer.relocate_config(asked, tmp_path / "scratch", b"a text", {})
    assert there.corpus.path is not None
    Path(there.corpus.path).write_text("another one")
    again = transfer.relocate_config(asked, tmp_path / "scratch", b"a text", {})
    assert again == there
    assert Path(there.corpus.path).read_bytes() == b"a text"


def test_only_an_own_scratch_folder_is_used(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    on_ray.require_own(own)
    (tmp_path / "link").symlink_to(own)
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    for folder in (tmp_path / "link", open_to_all):
        with pytest.raises(ConfigError, match="a folder of your own"):
            on_ray.require_own(folder)


def _identity(config: Config) -> str:
    corpus = source.identity(config.corpus, source.locate(config.corpus))
    return identify(config, corpus, substituted=False).run


def test_text_and_plugins_that_travel_are_the_same_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("HERE = 1\n")
    monkeypatch.chdir(tmp_path)
    asked = replace(_task(tmp_path, 0, "nothing").config, plugins=["mine.py", "colorsys"])
    assert asked.corpus.path is not None
    text = Path(asked.corpus.path).read_bytes()
    sent = transfer.plugin_files(asked)
    there = transfer.relocate_config(asked, tmp_path / "scratch", text, sent)
    assert there.corpus.path is not None
    assert Path(there.corpus.path).read_bytes() == text
    assert Path(there.plugins[0]).is_relative_to(tmp_path / "scratch")
    assert there.plugins[1] == "colorsys"
    expected = _identity(asked)
    (tmp_path / "mine.py").unlink()  # it is not on the other machine
    assert _identity(there) == expected


def test_a_config_for_another_folder_of_the_same_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "mine.py").write_text("HERE = 1\n")
    asked = _task(tmp_path, 0, "nothing").config
    asked = replace(
        asked,
        plugins=["mine.py", "colorsys"],
        corpus=replace(asked.corpus, path="~/text.txt"),
        paths=replace(asked.paths, data="data", outputs="outputs"),
    )
    there = transfer.absolute_paths(asked)
    assert there.plugins == [str(tmp_path / "mine.py"), "colorsys"]
    assert there.corpus.path == str(tmp_path / "home" / "text.txt")
    assert there.paths.data == str(tmp_path / "data")
    assert there.paths.outputs == str(tmp_path / "outputs")


@_needs("submitit")
def test_slurm_says_what_it_lacks(tmp_path: Path) -> None:
    def events(executor: str, **parameters: object) -> None:
        list(
            on_slurm.run_each(
                iter([]),
                folder=tmp_path,
                executor=executor,
                at_once=1,
                parameters=parameters,
                poll_seconds=0.1,
            )
        )

    with pytest.raises(ConfigError, match="executor=pbs: must be one of"):
        events("pbs")
    with pytest.raises(ConfigError, match="executor=local"):
        events("local", no_such_thing=1)


def _cluster(**settings: object) -> on_ray.Cluster:
    plain = on_ray.Cluster(
        address=None,
        token_path=None,
        cpus=1,
        gpus=0,
        at_once=None,
        retries=1,
        shared=False,
        scratch=None,
        runtime_env={},
    )
    return replace(plain, **settings)  # type: ignore[arg-type]


def test_a_cluster_is_never_without_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="token_path=null: name the file"):
        on_ray._authenticate(_cluster(address="127.0.0.1:1"), tmp_path)
    with pytest.raises(ConfigError, match=r"token_path=.*: no such file"):
        on_ray._authenticate(_cluster(token_path=str(tmp_path / "none")), tmp_path)
    on_ray._authenticate(_cluster(), tmp_path)
    assert os.environ["RAY_AUTH_MODE"] == "token"
    token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
    assert len(token.read_text()) == 64
    assert token.stat().st_mode & 0o077 == 0


PORT = 6399


@contextmanager
def _two_nodes(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Ray cluster on loopback, one CPU a node; the second node, which may be killed."""
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    environment = sweep_jobs.environment() | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    start = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--num-cpus=1"]
    head = ["--head", "--node-ip-address=127.0.0.1", f"--port={PORT}"]
    head += ["--include-dashboard=false", f"--temp-dir={folder}"]
    other = [f"--address=127.0.0.1:{PORT}", "--node-ip-address=127.0.0.2"]
    nodes = []
    try:
        for arguments in (head, other):
            log = (folder / f"node{len(nodes)}.log").open("wb")
            nodes.append(
                subprocess.Popen(
                    [*start, *arguments],
                    env=environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
            log.close()
            _until(
                lambda: (
                    b"Ray runtime started" in (folder / f"node{len(nodes) - 1}.log").read_bytes()
                )
            )
        yield nodes[1]
    finally:
        for node in nodes:
            _kill(node)


def _kill(node: subprocess.Popen[bytes]) -> None:
    """Everything of a node, at once, as when its machine is gone."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and _session(int(path.name)) == node.pid:
            try:
                os.kill(int(path.name), signal.SIGKILL)
            except ProcessLookupError:
                continue
    node.wait()


def _session(process: int) -> int | None:
    try:
        return os.getsid(process)
    except ProcessLookupError:
        return None


def _until(holds, seconds: float = 120) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.ray
@_needs("ray")
def test_a_lost_nodes_jobs_run_elsewhere() -> None:
    with tempfile.TemporaryDirectory(prefix="ray-") as short:  # Ray's sockets want a short path
        _lose_a_node(Path(short))


def _lose_a_node(folder: Path) -> None:
    (folder / "book").mkdir()
    with _two_nodes(folder) as second:
        work = (
            "-m",
            "launcher=ray",
            "hydra.launcher.work=sweep_jobs:where",
            f"hydra.launcher.address=127.0.0.1:{PORT}",
            f"hydra.launcher.token_path={folder / 'token'}",
            f"hydra.launcher.scratch={folder / 'scratch'}",
            "seed=range(6)",
        )
        driver = subprocess.Popen(
            sweep_jobs.program(folder, *work),
            cwd=folder,
            env=sweep_jobs.environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        book = folder / "book"

        def there() -> bool:
            sessions = [int(path.name.split("-")[1]) for path in book.glob("begun-*")]
            return second.pid in sessions

        _until(there)
        _kill(second)
        _, said = driver.communicate(timeout=300)
    assert driver.returncode == 0, said
    with _summary(folder).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["done"] * 6
    assert len(list(book.glob("begun-*"))) > 6  # one was begun again, elsewhere
    assert len(list(book.glob("ended-*"))) == 6
