"""A finished run and all that it needs in one file, to keep or to reproduce elsewhere."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from nextchar import results
from nextchar.config import Config, ConfigError, read_yaml
from nextchar.data import source
from nextchar.results import Run
from nextchar.runtime import files

TEXT, FACTS = "text.txt", "archive.json"
LARGEST = 4 << 30
"""Bytes that an archive may unpack to."""


def pack(run: Run, archive: Path, *, with_text: bool) -> None:
    """Write a zip file of the run, those of its seeds, their models, and the text of its corpus.

    Without the text, only its hash (in the manifest) travels. labml's own logs are left out.
    """
    outputs = run.folder.parent.parent
    parts = [str(part["run"]) for part in run.manifest.get("runs", [])]
    folders = [Path("runs") / name for name in (*parts, run.folder.name)]
    folders += [Path("models") / name for name in results.model_ids(run.manifest)]
    located = source.locate(Config.restore(run.config).corpus) if with_text else None
    with (
        files.replacing(archive) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as zipped,
    ):
        zipped.writestr(FACTS, json.dumps({"run": run.folder.name}))
        for folder in folders:
            for path in sorted((outputs / folder).rglob("*")):
                inside = path.relative_to(outputs)
                if path.is_file() and results.LABML not in inside.parts[2:3]:
                    zipped.write(path, inside.as_posix())
        if located is not None and located.path is not None:
            zipped.write(located.path, TEXT)


def unpack(archive: Path, folder: Path) -> tuple[Path, Path | None]:
    """Unpack into `folder`, which is new; the run's folder, and the text if it has one.

    Raises ConfigError for a file that is no archive of a run, names files elsewhere, is too large,
    or whose config names code (`plugins`, `_target_`): only what is trusted is unpacked by hand.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            _require_plain(archive, zipped)
            zipped.extractall(folder)
        name = json.loads((folder / FACTS).read_text(encoding="utf-8"))["run"]
        run = folder / "runs" / str(name)
        plain = read_yaml(run / results.CONFIG)
    except (zipfile.BadZipFile, KeyError, ValueError, FileNotFoundError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ConfigError(
            f"{archive}: no archive of a run ({error}); make one with --archive FILE"
        ) from error
    if plain.get("plugins") or "_target_" in json.dumps(plain):
        raise ConfigError(
            f"{archive}: its config runs code of its own (plugins or _target_), which is not taken "
            "from an archive; read it, unpack it with `unzip`, and name the folder"
        )
    text = folder / TEXT
    return run, text if text.exists() else None


def _require_plain(archive: Path, zipped: zipfile.ZipFile) -> None:
    for info in zipped.infolist():
        parts = PurePosixPath(info.filename).parts
        if info.filename.startswith(("/", "\\")) or ".." in parts or ":" in info.filename:
            raise ConfigError(f"{archive}: holds {info.filename!r}, a place outside of it")
    size = sum(info.file_size for info in zipped.infolist())
    if size > LARGEST:
        raise ConfigError(f"{archive}: unpacks to {size:,} bytes; at most {LARGEST:,} are taken")
