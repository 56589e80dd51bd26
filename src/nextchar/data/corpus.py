"""The text: found, downloaded or drawn; checked; encoded; split."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nextchar.config import ConfigError, CorpusConfig
from nextchar.data.grammar import compiler
from nextchar.data.grammar.automaton import Automaton
from nextchar.runtime import files, progress

CONNECTION_TIMEOUT = 10.0
"""Seconds that a download waits for an answer."""


class CorpusError(ConfigError):
    """The text that the config names can't be had, or can't be used."""


class CorpusMissingError(CorpusError):
    """The text is neither on disk nor could it be downloaded: another may take its place."""


@dataclass(frozen=True)
class Vocabulary:
    """The distinct characters of a corpus, in code-point order; a character's id is its index."""

    characters: str

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> Tensor:
        """Text of N characters to ids [N]. Raises CorpusError for a character outside."""
        ids = {character: index for index, character in enumerate(self.characters)}
        unknown = sorted(set(text) - ids.keys())
        if unknown:
            raise CorpusError(f"text holds {unknown[0]!r}, which the corpus does not hold")
        return torch.tensor([ids[character] for character in text], dtype=torch.long)

    def decode(self, ids: Tensor) -> str:
        """Ids [N] to text."""
        return "".join(self.characters[index] for index in ids.tolist())


@dataclass(frozen=True)
class Corpus:
    """A text, encoded and split: the first part trains (ids [N]), the last validates (ids [M]).

    With a corpus.train_share below 1 the text between them is not used.

    `automaton` is the truth behind the text, where that is known; `substituted` says why this text
    stands in for the one that was asked for.
    """

    name: str
    text: str
    sha256: str
    vocabulary: Vocabulary
    train: Tensor
    validation: Tensor
    automaton: Automaton | None = None
    substituted: str | None = None

    @property
    def train_text(self) -> str:
        return self.text[: len(self.train)]

    @property
    def validation_text(self) -> str:
        return self.text[len(self.text) - len(self.validation) :]

    def require(self, train: int, validation: int) -> None:
        """Raise CorpusError unless both splits have at least so many characters."""
        for split, ids, least in (
            ("training", self.train, train),
            ("validation", self.validation, validation),
        ):
            if len(ids) < least:
                raise CorpusError(
                    f"corpus.name={self.name}: its {split} split has {len(ids):,} characters, at "
                    f"least {least:,} are needed; use a longer text, or a shorter model.context, "
                    "decoding.prompt_length or decoding.length"
                )


def load(config: CorpusConfig) -> Corpus:
    """The corpus that the config names, or its stated fallback when the file can't be had.

    Raises CorpusError (in one line) when there is neither.
    """
    if config.kind == "grammar":
        return _grammar(config, "grammar", None)
    try:
        text = _read(config)
    except CorpusMissingError as missing:
        if config.fallback is None:
            raise
        reason = f"{missing}; the embedded corpus (corpus=grammar) took its place"
        return _grammar(config, config.fallback, reason)
    return _split(config, config.name, text)


def _grammar(config: CorpusConfig, name: str, substituted: str | None) -> Corpus:
    text = compiler.write_play(config.characters, config.seed)
    return _split(config, name, text, compiler.play(), substituted)


def _split(
    config: CorpusConfig,
    name: str,
    text: str,
    automaton: Automaton | None = None,
    substituted: str | None = None,
) -> Corpus:
    # The automaton's alphabet holds characters so rare that a short text may lack them.
    characters = "".join(sorted(set(text))) if automaton is None else automaton.alphabet
    vocabulary = Vocabulary(characters)
    ids = vocabulary.encode(text)
    boundary = int(len(ids) * config.train_fraction)
    return Corpus(
        name=name,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        vocabulary=vocabulary,
        train=ids[: int(boundary * config.train_share)],
        validation=ids[boundary:],
        automaton=automaton,
        substituted=substituted,
    )


def _read(config: CorpusConfig) -> str:
    assert config.path is not None
    path = Path(config.path).expanduser()
    if not path.exists():
        if config.url is None:
            raise CorpusMissingError(f"corpus.path={path}: no such file; name one that exists")
        _download(config.url, path, config.sha256)
    if not path.is_file():
        raise CorpusError(f"corpus.path={path}: not a file; name a text file")
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


def _download(url: str, path: Path, sha256: str | None) -> None:
    """Fetch `url` to `path`, whole or not at all."""
    try:
        content = _fetch(url, path.name)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = " ".join(str(error).split())  # a server's own words may be several lines
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the answer, too, with its connection
        raise CorpusMissingError(
            f"corpus.path={path}: no such file, and {url} could not be reached ({reason})"
        ) from error
    _check(content, sha256, url, f"put the right text at {path}, or use corpus=grammar")
    with files.replacing(path) as temporary:
        temporary.write_bytes(content)


def _fetch(url: str, name: str) -> bytes:
    """What `url` serves. Raises IncompleteRead where it ends early, which urllib lets pass."""
    content = bytearray()
    with urllib.request.urlopen(url, timeout=CONNECTION_TIMEOUT) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        with progress.task(f"downloading {name}", max(total, 1)) as task:
            while chunk := answer.read(1 << 16):
                content += chunk
                task.update(len(content) if total else 0)
    if len(content) < total:
        raise http.client.IncompleteRead(bytes(content), total - len(content))
    return bytes(content)
