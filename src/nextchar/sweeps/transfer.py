"""What travels when machines share no disk: the text to a job, its run and its model back home."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nextchar import config
from nextchar.config import Config
from nextchar.results import CONFIG, DONE, MANIFEST, MODEL, model_ids, read_json
from nextchar.runtime import files, lock


@dataclass(frozen=True)
class RunArchive:
    """The folders of finished runs and of their models, packed by name, and what the job said.

    Of a job that pools seeds, the runs of these come first.
    """

    runs: Mapping[str, bytes]
    models: Mapping[str, bytes]
    log: bytes


def relocate_config(asked: Config, scratch: Path, text: bytes | None) -> Config:
    """The config as another machine can use it: its own folders, and the text that came along.

    None of this is part of a run's identity: that has the text's content, not its place.
    """
    paths = replace(asked.paths, data=str(scratch / "data"), outputs=str(scratch / "outputs"))
    if text is None:
        return replace(asked, paths=paths)
    name = config.digest({"text": text.hex()})
    path = scratch / "data" / f"{name}.txt"
    if not path.exists():
        with files.replacing(path) as temporary:
            temporary.write_bytes(text)
    return replace(asked, paths=paths, corpus=replace(asked.corpus, path=str(path)))


def pack(outputs: Path, run: str, log: Path) -> RunArchive:
    """A finished run of the folder `outputs`, and what it rests on, ready to travel."""
    facts = read_json(outputs / "runs" / run / MANIFEST)
    runs = [*(str(part["run"]) for part in facts.get("runs", [])), run]
    models = {name: outputs / "models" / name for name in model_ids(facts)}
    return RunArchive(
        {name: _packed(outputs / "runs" / name) for name in runs},
        {name: _packed(folder) for name, folder in models.items() if (folder / MODEL).exists()},
        log.read_bytes() if log.exists() else b"",
    )


def unpack(luggage: RunArchive, asked: Config, log: Path) -> None:
    """Put runs and models where they would be, had they been made here: each whole, or not."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(luggage.log)
    for name, content in luggage.models.items():
        folder = asked.outputs / "models" / name
        with lock.holding(folder.with_name(f"{name}.lock"), f"model {name}"):
            if not (folder / MODEL).exists() or asked.force:
                _unpacked(content, folder)
    asked_for = [asked] if asked.seeds is None else [*asked.parts, asked]
    for (name, content), own in zip(luggage.runs.items(), asked_for, strict=bool(luggage.runs)):
        folder = asked.outputs / "runs" / name
        if not (folder / DONE).exists() or asked.force:
            _unpacked(content, folder, own)


def _packed(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return content.getvalue()


def _unpacked(content: bytes, folder: Path, asked: Config | None = None) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".arriving-") as temporary:
        arrived = Path(temporary) / "folder"
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(arrived)  # never outside of it
        if asked is not None:  # what was asked for here, not where it was done
            files.write_text(arrived / CONFIG, config.to_yaml(asked))
        if folder.exists():
            shutil.rmtree(folder)
        arrived.rename(folder)
