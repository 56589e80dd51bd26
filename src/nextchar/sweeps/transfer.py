"""What travels between machines without a shared disk: text and plugins to a job, its run and model
back."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nextchar import results
from nextchar.config import Config, ConfigError, digest, to_yaml
from nextchar.results import CONFIG, MANIFEST, model_ids, read_json
from nextchar.runtime import checked, files, lock


class ArchiveError(ConfigError):
    """What came from another machine is not what a job sends."""


@dataclass(frozen=True)
class RunArchive:
    """The folders of finished runs and of their models, zipped, by name; and the job's output.

    For a job that pools seeds, the runs of the seeds come first.
    """

    runs: Mapping[str, bytes]
    models: Mapping[str, bytes]
    log: bytes


def absolute_paths(config: Config) -> Config:
    """The config for another working folder on the same disk."""
    corpus, paths = config.corpus, config.paths
    if corpus.path is not None:
        corpus = replace(corpus, path=_absolute(corpus.path))
    paths = replace(paths, data=_absolute(paths.data), outputs=_absolute(paths.outputs))
    plugins = [_absolute(name) if name.endswith(".py") else name for name in config.plugins]
    return replace(config, corpus=corpus, paths=paths, plugins=plugins)


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def plugin_files(config: Config) -> dict[str, bytes]:
    """The content of the plugins that are files, by name; modules must be installed elsewhere."""
    return {
        name: Path(name).expanduser().read_bytes()
        for name in config.plugins
        if name.endswith(".py")
    }


def relocate_config(
    config: Config, scratch: Path, text: bytes | None, plugins: Mapping[str, bytes]
) -> Config:
    """The config for another machine: folders in `scratch`, with the text and plugins that came.

    This does not change the run's identity, which depends on contents and not on places.
    """
    paths = replace(config.paths, data=str(scratch / "data"), outputs=str(scratch / "outputs"))
    corpus = config.corpus
    if text is not None:
        corpus = replace(corpus, path=_placed(scratch / "data", "text.txt", text))
    placed = {
        name: _placed(scratch / "plugins", Path(name).name, content)
        for name, content in plugins.items()
    }
    names = [placed.get(name, name) for name in config.plugins]
    return replace(config, paths=paths, corpus=corpus, plugins=names)


def _placed(folder: Path, name: str, content: bytes) -> str:
    """A file with this content and name, in a folder named by the content."""
    path = folder / digest({"content": content.hex()}) / name
    if not path.exists() or path.read_bytes() != content:
        with files.replacing(path) as temporary:
            temporary.write_bytes(content)
    return str(path)


def pack(outputs: Path, run: str, log: Path) -> RunArchive:
    """A run of the folder `outputs`, with the runs and models that it depends on; only the job's
    output if the run is not finished."""
    output = log.read_bytes() if log.exists() else b""
    if not results.is_whole(outputs / "runs" / run):
        return RunArchive({}, {}, output)
    facts = read_json(outputs / "runs" / run / MANIFEST)
    runs = [*(str(part["run"]) for part in facts.get("runs", [])), run]
    models = {name: outputs / "models" / name for name in model_ids(facts)}
    return RunArchive(
        {name: _zipped(outputs / "runs" / name) for name in runs},
        {name: _zipped(folder) for name, folder in models.items() if checked.is_finished(folder)},
        output,
    )


def unpack(archive: RunArchive, config: Config, log: Path) -> None:
    """Put runs and models in the places where this machine would have made them, each whole.

    Raises ArchiveError for a name that is a path, and for more content than was sent,
    DamagedError for a file that is not what the other machine wrote.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(archive.log)
    for name, content in archive.models.items():
        folder = config.outputs / "models" / _plain(name)
        with lock.holding(folder.with_name(f"{name}.lock"), f"model {name}"):
            if not checked.is_finished(folder) or checked.damage(folder):
                _unzip(content, folder)
    configs = [config] if config.seeds is None else [*config.parts, config]
    for (name, content), own in zip(archive.runs.items(), configs, strict=bool(archive.runs)):
        folder = config.outputs / "runs" / _plain(name)
        if not results.is_whole(folder):
            _unzip(content, folder, own)


def _plain(name: str) -> str:
    if not re.fullmatch(r"[^./\\:][^/\\:]*", name):
        raise ArchiveError(f"{name!r} came from another machine, and is no name of a run or model")
    return name


def _zipped(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return content.getvalue()


def _unzip(content: bytes, folder: Path, config: Config | None = None) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".arriving-") as temporary:
        arrived = Path(temporary) / "folder"
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(each.file_size for each in archive.infolist()) > len(content):
                    raise ArchiveError(f"{folder.name}: its archive is larger than what was sent")
                archive.extractall(arrived)  # never writes outside of it
        except zipfile.BadZipFile as error:
            raise ArchiveError(f"{folder.name}: its archive is damaged: {error}") from error
        checked.check(arrived)
        if config is not None:  # the config of this machine, not that of the other one
            files.write_text(arrived / CONFIG, to_yaml(config))
            results.seal(arrived)
        if folder.exists():
            shutil.rmtree(folder)
        arrived.rename(folder)
