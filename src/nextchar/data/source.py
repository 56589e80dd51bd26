"""Where a corpus comes from: a file, downloaded if it is missing, or the embedded grammar.

Imports no torch: a sweep finds the identity of each job's corpus here, without reading it in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nextchar.config import ConfigError, CorpusConfig, digest
from nextchar.data import download
from nextchar.runtime import files


class CorpusError(ConfigError):
    """The corpus that the config names is not available or not usable."""


class CorpusMissingError(CorpusError):
    """The file is neither on disk nor could it be downloaded: the fallback may replace it."""


@dataclass(frozen=True)
class Source:
    """The file of a corpus; None: the grammar. `substituted` says why it replaces another corpus,
    or is None."""

    path: Path | None
    substituted: str | None = None


def locate(config: CorpusConfig) -> Source:
    """Find the file of the corpus, download it if it is missing, or use the stated fallback.

    Raises CorpusError if there is neither.
    """
    if config.kind == "grammar":
        return Source(None)
    assert config.path is not None
    path = Path(config.path).expanduser()
    try:
        if not path.exists():
            _download(config, path)
    except CorpusMissingError as missing:
        if config.fallback is None:
            raise
        return Source(None, f"{missing}; the embedded corpus (corpus=grammar) took its place")
    if not path.is_file():
        raise CorpusError(f"corpus.path={path}: not a file; name a text file")
    return Source(path)


def identity(config: CorpusConfig, source: Source) -> str:
    """Identity of the text by content: of the file, or of what the grammar draws it from."""
    if source.path is not None:
        state = source.path.stat()
        return _file_sha256(source.path, state.st_mtime_ns, state.st_size)
    from nextchar.data.grammar import lexicon

    return digest({"lexicon": lexicon.SHA256, "characters": config.characters, "seed": config.seed})


@cache
def _file_sha256(path: Path, _changed: int, _size: int) -> str:
    """Hashed once per process and state of the file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_text(config: CorpusConfig, path: Path) -> str:
    """The text of the file. Raises CorpusError for a wrong sha256, no UTF-8, or an empty file."""
    content = path.read_bytes()
    again = "delete the file to download it again" if config.url else "name another file"
    remedy = f"{again}, or use corpus=text_file for another text"
    _check(content, config.sha256, f"corpus.path={path}", remedy)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(f"corpus.path={path}: not UTF-8 text ({error})") from error
    if not text:
        raise CorpusError(f"corpus.path={path}: the file is empty")
    return text


def _check(content: bytes, sha256: str | None, what: str, remedy: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise CorpusError(f"{what}: its sha256 is {found}, corpus.sha256={sha256}; {remedy}")


def _download(config: CorpusConfig, path: Path) -> None:
    """Download corpus.url to `path`, whole or not at all."""
    if config.url is None:
        raise CorpusMissingError(f"corpus.path={path}: no such file; name one that exists")
    try:
        content = download.download(config.url, path.name)
    except download.TooLargeError as error:
        raise CorpusError(
            f"corpus.url={config.url}: {error}; download it yourself to corpus.path={path}"
        ) from error
    except download.DownloadError as error:
        raise CorpusMissingError(
            f"corpus.path={path}: no such file, and {config.url} could not be reached ({error})"
        ) from error
    remedy = f"put the right text at {path}, or use corpus=grammar"
    _check(content, config.sha256, config.url, remedy)
    with files.replacing(path) as temporary:
        temporary.write_bytes(content)
