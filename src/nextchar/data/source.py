"""Where a corpus comes from: a file, downloaded if it is missing, or the embedded grammar.

Imports no torch: a sweep finds the identity of each job's corpus here, without reading it in.
"""

from __future__ import annotations

import codecs
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
    """Identity of the text by content: as it is read of the file, or what the grammar draws from.

    Raises CorpusError where the file is no text of its encoding.
    """
    if source.path is not None:
        state = source.path.stat()
        stamp = (state.st_mtime_ns, state.st_size)
        return _text_sha256(source.path, config.encoding, config.newlines, stamp)
    from nextchar.data.grammar import lexicon

    return digest({"lexicon": lexicon.SHA256, "characters": config.characters, "seed": config.seed})


@cache
def _text_sha256(path: Path, encoding: str, newlines: str, _stamp: tuple[int, int]) -> str:
    """Hashed once per process and state of the file."""
    content = path.read_bytes()
    if encoding == "utf-8" and (newlines == "keep" or not _would_change(content)):
        return hashlib.sha256(content).hexdigest()
    text, _ = _decoded(content, encoding, newlines, path)
    return hashlib.sha256(text.encode()).hexdigest()


def _would_change(content: bytes) -> bool:
    return b"\r" in content or content.startswith(codecs.BOM_UTF8)


def read_text(config: CorpusConfig, path: Path) -> tuple[str, str | None]:
    """The text of the file, and what was changed in it, in words.

    Raises CorpusError for a wrong sha256, another encoding, or an empty file.
    """
    content = path.read_bytes()
    again = "delete the file to download it again" if config.url else "name another file"
    remedy = f"{again}, or use corpus=text_file for another text"
    _check(content, config.sha256, f"corpus.path={path}", remedy)
    text, changed = _decoded(content, config.encoding, config.newlines, path)
    if not text:
        raise CorpusError(f"corpus.path={path}: the file is empty")
    return text, changed


def _decoded(content: bytes, encoding: str, newlines: str, path: Path) -> tuple[str, str | None]:
    """The text, with one kind of line ending unless they are kept; and what was changed."""
    try:
        text = content.decode(encoding)
        text.encode()
    except UnicodeError as error:
        marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        likely = "utf-16" if content.startswith(marks) else "NAME, as latin-1, cp1252 or utf-16"
        if encoding != "utf-8":
            likely = "NAME of the one that it has"
        raise CorpusError(
            f"corpus.path={path}: not {encoding.upper()} text ({error}); "
            f"set corpus.encoding={likely}"
        ) from error
    if newlines == "keep":
        return text, None
    pairs, lone = text.count("\r\n"), text.count("\r")
    changes = []
    if text.startswith("\ufeff"):
        text, changes = text[1:], ["a byte order mark was dropped"]
    if lone:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        kinds = f"{pairs:,} CR LF and {lone - pairs:,} CR"
        changes.append(f"its line endings became LF ({kinds})")
    return text, " and ".join(changes) or None


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
