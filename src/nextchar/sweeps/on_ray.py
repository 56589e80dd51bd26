"""Jobs as tasks of a Ray cluster, which needs no shared disk, with token authentication.

A task does its job in its own process, as everywhere: a crash is the job's own failure, and Ray
repeats only what was lost with a worker or a node.
"""

from __future__ import annotations

import getpass
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from nextchar.config import ConfigError
from nextchar.results.sweep import FAILED, RUNNING, State
from nextchar.runtime import progress
from nextchar.sweeps import transfer
from nextchar.sweeps.jobs import Task
from nextchar.sweeps.processes import Event, run_one
from nextchar.sweeps.transfer import RunArchive

POLL_SECONDS = 1.0
"""Seconds between looks at the cluster's size while no job ends."""


@dataclass(frozen=True)
class Cluster:
    """Where the tasks go, and what each needs: `hydra.launcher` of launcher=ray.

    `anew`: the nodes must not use what earlier sweeps left in their scratch folders (force=true).
    """

    address: str | None
    token_path: str | None
    cpus: float
    gpus: float
    at_once: int | None
    retries: int
    shared: bool
    scratch: str | None
    runtime_env: Mapping[str, Any]
    anew: bool = False


def run_each(tasks: Iterator[Task], cluster: Cluster) -> Generator[Event, None, None]:
    """Do the tasks on the cluster, as many at once as it has room for."""
    with tempfile.TemporaryDirectory(prefix="nextchar-ray-") as private:
        _authenticate(cluster, Path(private))
        try:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            import ray  # only now: it reads the environment when it is imported
        except ImportError as missing:
            raise ConfigError(
                "launcher=ray: ray is not installed; pip install 'nextchar[cluster]'"
            ) from missing
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
    needs = {"num_cpus": cluster.cpus, "num_gpus": cluster.gpus}
    remote = ray.remote(**needs, max_retries=cluster.retries, max_calls=0)
    on_node, on_shared_disk = remote(run_on_node), remote(run_one)
    sweep = uuid4().hex[:8] if cluster.anew else ""
    texts: dict[str, Any] = {}
    running: dict[Any, Task] = {}
    said = cluster.shared
    try:
        while True:
            while len(running) < _room(ray, cluster) and (task := next(tasks, None)) is not None:
                if task.trial is not None and not said:
                    said = True
                    progress.say("note: no pruning: jobs can't see the study from other machines")
                if cluster.shared:
                    config = transfer.absolute_paths(task.config)
                    reference = on_shared_disk.remote(replace(task, config=config))
                else:
                    text = _text(ray, task, texts)
                    plugins = transfer.plugin_files(task.config)
                    alone = replace(task, trial=None)
                    reference = on_node.remote(alone, text, plugins, cluster.scratch, sweep)
                running[reference] = task
                yield task.key, State(RUNNING)
            if not running:
                return
            ended, _ = ray.wait(list(running), num_returns=1, timeout=POLL_SECONDS)
            for reference in ended:
                task = running.pop(reference)
                yield task.key, _result(ray, reference, task)
    finally:
        for reference in running:
            ray.cancel(reference, force=True)


def _room(ray: Any, cluster: Cluster) -> int:
    """How many tasks the cluster in its present size can do at once; at least one, which waits."""
    if cluster.at_once is not None:
        return cluster.at_once
    available = ray.cluster_resources()
    needs = (("CPU", cluster.cpus), ("GPU", cluster.gpus))
    rooms = [int(available.get(name, 0) // need) for name, need in needs if need]
    return max(1, min(rooms, default=1))


def _text(ray: Any, task: Task, texts: dict[str, Any]) -> Any:
    """The task's text in Ray's object store, once for all jobs; None if it is no file here."""
    corpus = task.config.corpus
    if corpus.kind != "file" or corpus.path is None:
        return None
    path = Path(corpus.path).expanduser()
    if corpus.path not in texts and path.is_file():
        texts[corpus.path] = ray.put(path.read_bytes())
    return texts.get(corpus.path)


def run_on_node(
    task: Task, text: bytes | None, plugins: Mapping[str, bytes], scratch: str | None, sweep: str
) -> tuple[State, RunArchive]:
    """What runs on a node without a shared disk: one job; its run and model are returned.

    It works in the folder `sweep` of `scratch`, by default in nextchar-<user> of the node's /tmp.
    """
    usual = Path(tempfile.gettempdir()) / f"nextchar-{getpass.getuser()}"
    private = Path(scratch).expanduser().resolve() if scratch else usual
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        require_own(private)
    except ConfigError as error:
        return State(FAILED, error=str(error)), RunArchive({}, {}, b"")
    folder = private / sweep
    config = transfer.relocate_config(task.config, folder, text, plugins)
    log = folder / "logs" / f"{task.key}-{os.getpid()}.log"
    state = run_one(replace(task, config=config, log=log))
    return state, transfer.pack(config.outputs, task.key, log)


def require_own(folder: Path) -> None:
    """Raise ConfigError if another user owns the folder or may write to it: what lies there is
    taken for our own."""
    if sys.platform == "win32":  # its temporary directory is the user's own
        return
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o022:
        raise ConfigError(
            f"hydra.launcher.scratch={folder}: must be a folder of your own that nobody else may "
            "write to (chmod 700): what is found there is used"
        )


def _result(ray: Any, reference: Any, task: Task) -> State:
    """The state of a task that ended; what came with it is unpacked."""
    try:
        result = ray.get(reference)
    except ray.exceptions.RayError as error:
        first = str(error).strip().splitlines()[0]
        return State(FAILED, error=f"Ray lost it: {type(error).__name__}: {first}")
    if isinstance(result, State):
        return result
    state, archive = result
    assert isinstance(state, State)
    try:
        transfer.unpack(archive, task.config, task.log)
    except ConfigError as error:
        return State(FAILED, error=str(error))
    return state


def _authenticate(cluster: Cluster, private: Path) -> None:
    """Always use token authentication: the cluster's token, or a new one for our own cluster."""
    os.environ["RAY_AUTH_MODE"] = "token"
    if cluster.token_path is not None:
        path = Path(cluster.token_path).expanduser().absolute()
        if not path.is_file():
            raise ConfigError(
                f"hydra.launcher.token_path={path}: no such file; it must contain the token with "
                "which the cluster was started"
            )
    elif _has_token():
        return
    elif cluster.address is None:
        path = private / "token"
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    else:
        raise ConfigError(
            "hydra.launcher.token_path=null: name the file with the cluster's token, or set "
            "RAY_AUTH_TOKEN_PATH"
        )
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(path)


def _has_token() -> bool:
    if os.environ.get("RAY_AUTH_TOKEN"):
        return True
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return Path(named if named else Path.home() / ".ray" / "auth_token").is_file()
