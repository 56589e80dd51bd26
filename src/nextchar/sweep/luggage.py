"""What travels when machines share no disk: the text to a job, its run and its model back home."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from nextchar import atomic, config, lock
from nextchar.config import Config
from nextchar.results import CONFIG, DONE, MANIFEST, MODEL, read_json


@dataclass(frozen=True)
class Luggage:
    """The folders of a finished run and of its model, packed, and what the job said."""

    run: bytes | None
    model: bytes | None
    model_id: str | None
    log: bytes


def abroad(asked: Config, scratch: Path, text: bytes | None) -> Config:
    """The config as another machine can use it: its own folders, and the text that came along.

    None of this is part of a run's identity: that has the text's content, not its place.
    """
    paths = replace(asked.paths, data=str(scratch / "data"), outputs=str(scratch / "outputs"))
    if text is None:
        return replace(asked, paths=paths)
    name = config.digest({"text": text.hex()})
    path = scratch / "data" / f"{name}.txt"
    if not path.exists():
        with atomic.replacing(path) as temporary:
            temporary.write_bytes(text)
    return replace(asked, paths=paths, corpus=replace(asked.corpus, path=str(path)))


def pack(outputs: Path, run: str, log: Path) -> Luggage:
    """A finished run of the folder `outputs`, and its model, ready to travel."""
    folder = outputs / "runs" / run
    said = log.read_bytes() if log.exists() else b""
    model_id = str(read_json(folder / MANIFEST)["model_id"])
    model = outputs / "models" / model_id
    packed = _packed(model) if (model / MODEL).exists() else None
    return Luggage(_packed(folder), packed, model_id, said)


def unpack(luggage: Luggage, asked: Config, run: str, log: Path) -> None:
    """Put a run and its model where they would be, had they been made here; whole or not at all."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(luggage.log)
    outputs = Path(asked.paths.outputs)
    if luggage.model is not None and luggage.model_id is not None:
        folder = outputs / "models" / luggage.model_id
        with lock.holding(folder.with_name(f"{folder.name}.lock"), f"model {folder.name}"):
            if not (folder / MODEL).exists() or asked.force:
                _unpacked(luggage.model, folder)
    if luggage.run is not None:
        folder = outputs / "runs" / run
        if not (folder / DONE).exists() or asked.force:
            _unpacked(luggage.run, folder, asked)


def _packed(folder: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(folder, arcname=".")
    return content.getvalue()


def _unpacked(content: bytes, folder: Path, asked: Config | None = None) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".arriving-") as temporary:
        arrived = Path(temporary) / "folder"
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(arrived, filter="data")
        if asked is not None:  # what was asked for here, not where it was done
            atomic.write_text(arrived / CONFIG, config.to_yaml(asked))
        if folder.exists():
            shutil.rmtree(folder)
        arrived.rename(folder)
