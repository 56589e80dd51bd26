"""Jobs as tasks of a Ray cluster: no shared disk, lost nodes' jobs again elsewhere, a token.

A task does its job in a process of its own, as everywhere, so a job that crashes is the job's own
failure; what Ray does again is what was lost with a worker or a node.
"""

from __future__ import annotations

import getpass
import os
import secrets
import tempfile
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nextchar.config import Config, ConfigError
from nextchar.results.sweep import FAILED, FINISHED, State
from nextchar.runtime import progress
from nextchar.sweeps import transfer
from nextchar.sweeps.jobs import Task
from nextchar.sweeps.processes import Ended, Event, Started, run_one
from nextchar.sweeps.transfer import RunArchive

PATIENCE = 1.0
"""Seconds after which the cluster's size is looked at again, when no job has ended."""


@dataclass(frozen=True)
class Cluster:
    """Where the tasks go, and what each takes; `hydra.launcher` of launcher=ray."""

    address: str | None
    token_path: str | None
    cpus: float
    gpus: float
    at_once: int | None
    retries: int
    shared: bool
    scratch: str | None
    runtime_env: Mapping[str, Any]


def run_each(tasks: Iterator[Task], cluster: Cluster) -> Generator[Event, None, None]:
    """Do the tasks on the cluster, as many at once as it has room for."""
    with tempfile.TemporaryDirectory(prefix="nextchar-ray-") as private:
        _authenticate(cluster, Path(private))
        ray = _ray()  # only now: it reads the environment when it is imported
        ray.init(
            address=cluster.address,
            include_dashboard=False if cluster.address is None else None,
            log_to_driver=False,
            runtime_env=dict(cluster.runtime_env) or None,
        )
        try:
            yield from _each(ray, tasks, cluster)
        finally:
            ray.shutdown()


def _each(ray: Any, tasks: Iterator[Task], cluster: Cluster) -> Generator[Event, None, None]:
    remote = ray.remote(
        num_cpus=cluster.cpus, num_gpus=cluster.gpus, max_retries=cluster.retries, max_calls=0
    )(do)
    texts: dict[str, Any] = {}
    unpruned = False
    handed: dict[Any, Task] = {}
    try:
        while True:
            while len(handed) < _room(ray, cluster) and (task := next(tasks, None)) is not None:
                if task.trial is not None and not cluster.shared and not unpruned:
                    unpruned = True
                    progress.say("note: no pruning: jobs can't see the study from other machines")
                handed[_submitted(ray, remote, task, cluster, texts)] = task
                yield Started(task.key)
            if not handed:
                return
            ended, _ = ray.wait(list(handed), num_returns=1, timeout=PATIENCE)
            for reference in ended:
                task = handed.pop(reference)
                yield Ended(task.key, _came_home(ray, reference, task))
    finally:
        for reference in handed:
            ray.cancel(reference, force=True)


def _room(ray: Any, cluster: Cluster) -> int:
    """How many tasks the cluster can do at once, as large as it is now; one may always wait."""
    if cluster.at_once is not None:
        return cluster.at_once
    there = ray.cluster_resources()
    needs = (("CPU", cluster.cpus), ("GPU", cluster.gpus))
    rooms = [int(there.get(name, 0) // need) for name, need in needs if need]
    return max(1, min(rooms, default=1))


def _submitted(ray: Any, remote: Any, task: Task, cluster: Cluster, texts: dict[str, Any]) -> Any:
    if cluster.shared:
        paths = task.asked.paths
        here = replace(
            paths,
            data=str(Path(paths.data).absolute()),
            outputs=str(Path(paths.outputs).absolute()),
        )
        return remote.remote(replace(task, asked=replace(task.asked, paths=here)), None, None)
    path = task.asked.corpus.path
    text = None
    if task.asked.corpus.kind == "file" and path is not None and Path(path).is_file():
        if path not in texts:  # once for all jobs: it lies in the object store
            texts[path] = ray.put(Path(path).read_bytes())
        text = texts[path]
    return remote.remote(replace(task, trial=None), text, cluster.scratch or "")


def do(task: Task, text: bytes | None, scratch: str | None) -> tuple[State, RunArchive | None]:
    """What runs on a node: one job; without a shared disk, what it left comes along."""
    if scratch is None:
        return run_one(task), None
    place = Path(scratch or Path(tempfile.gettempdir()) / f"nextchar-{getpass.getuser()}")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    asked: Config = transfer.relocate_config(task.asked, place, text)
    log = place / "logs" / f"{task.key}-{os.getpid()}.log"
    state = run_one(replace(task, asked=asked, log=log))
    if state.state == FINISHED and state.run is not None:
        return state, transfer.pack(Path(asked.paths.outputs), state.run, log)
    return state, RunArchive({}, {}, log.read_bytes() if log.exists() else b"")


def _came_home(ray: Any, reference: Any, task: Task) -> State:
    try:
        state, carried = ray.get(reference)
    except ray.exceptions.RayError as error:
        first = str(error).strip().splitlines()[0]
        return State(FAILED, error=f"Ray lost it: {type(error).__name__}: {first}")
    assert isinstance(state, State)
    if carried is not None:
        transfer.unpack(carried, task.asked, task.log)
    return state


def _authenticate(cluster: Cluster, private: Path) -> None:
    """Token authentication, always: with the cluster's token, or one made for a cluster of ours."""
    os.environ["RAY_AUTH_MODE"] = "token"
    if cluster.token_path is not None:
        path = Path(cluster.token_path).expanduser().absolute()
        if not path.is_file():
            raise ConfigError(
                f"hydra.launcher.token_path={path}: no such file; it must hold the token with "
                "which the cluster was started"
            )
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(path)
    elif cluster.address is None and not _has_token():
        path = private / "token"
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(path)
    elif not _has_token():
        raise ConfigError(
            "hydra.launcher.token_path=null: name the file with the cluster's token, or set "
            "RAY_AUTH_TOKEN_PATH"
        )


def _has_token() -> bool:
    if os.environ.get("RAY_AUTH_TOKEN"):
        return True
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return Path(named if named else Path.home() / ".ray" / "auth_token").is_file()


def _ray() -> Any:
    try:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray
    except ImportError as missing:
        raise ConfigError(
            "launcher=ray: ray is not installed; pip install 'nextchar[cluster]'"
        ) from missing
    return ray
