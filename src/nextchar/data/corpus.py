"""A corpus: its text read or drawn, encoded, and split."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nextchar.config import CorpusConfig
from nextchar.data import source
from nextchar.data.grammar import compiler
from nextchar.data.grammar.automaton import Automaton
from nextchar.data.source import CorpusError
from nextchar.runtime import memory

AT_ONCE = 1 << 20
"""Characters that are encoded together: their code points take four times the memory."""
LONGEST_WORD = 25
"""Characters, on average, between two spaces."""
WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese, whose lines may be short as words."""


@dataclass(frozen=True)
class Vocabulary:
    """The distinct characters of a corpus, in code-point order; a character's id is its index."""

    characters: str

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> Tensor:
        """Text of N characters to ids [N]. Raises CorpusError for an unknown character."""
        known = _code_points(self.characters)
        ids = np.empty(len(text), dtype=np.int64)
        for start in range(0, len(text), AT_ONCE):
            codes = _code_points(text[start : start + AT_ONCE])
            found = np.searchsorted(known, codes).clip(max=len(known) - 1)
            if (unknown := codes[known[found] != codes]).size:
                raise CorpusError(
                    f"text contains {chr(unknown.min())!r}, which the corpus does not contain"
                )
            ids[start : start + AT_ONCE] = found
        return torch.from_numpy(ids)

    def decode(self, ids: Tensor) -> str:
        """Ids [N] to text."""
        return "".join(self.characters[index] for index in ids.tolist())


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


@dataclass(frozen=True)
class Corpus:
    """A text, encoded and split: the first part trains (ids [N]), the last validates (ids [M]).

    With a corpus.train_share below 1 the text between them is unused. `automaton` has the true
    distribution of the text where it is known; `identity` identifies the text by content (see
    nextchar.data.source); `substituted` says why this corpus replaces the one in the config, and
    `notes` what else a reader of the results should know of it.
    """

    name: str
    text: str
    sha256: str
    vocabulary: Vocabulary
    train: Tensor
    validation: Tensor
    identity: str
    automaton: Automaton | None = None
    substituted: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def train_text(self) -> str:
        return self.text[: len(self.train)]

    @property
    def validation_text(self) -> str:
        return self.text[len(self.text) - len(self.validation) :]

    def require(self, train: int, validation: int) -> None:
        """Raise CorpusError unless the splits have at least so many characters."""
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
    """The corpus that the config names, or its stated fallback if the file is not available.

    Raises CorpusError (in one line) if there is neither.
    """
    found = source.locate(config)
    automaton, changed = None, None
    if found.path is None:
        drawn = f"corpus.characters={config.characters}"
        memory.require(config.characters * 48, "drawing the text takes", drawn)
        text, automaton = compiler.write_play(config.characters, config.seed), compiler.play()
    else:
        size = found.path.stat().st_size
        # At the least: the bytes, and of a character, which has four, itself and its id.
        memory.require(size + size // 4 * 9, "the text takes", f"corpus.path={found.path}")
        text, changed = source.read_text(config, found.path)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    # The automaton's alphabet has rare characters that a short text may lack.
    vocabulary = Vocabulary(automaton.alphabet if automaton else "".join(sorted(set(text))))
    ids = vocabulary.encode(text)
    boundary = int(len(ids) * config.train_fraction)
    return Corpus(
        name="grammar" if automaton else config.name,
        text=text,
        sha256=sha256,
        vocabulary=vocabulary,
        train=ids[: int(boundary * config.train_share)],
        validation=ids[boundary:],
        automaton=automaton,
        identity=source.identity(config, found) if automaton else sha256,
        substituted=found.substituted,
        notes=tuple(_notes(config, text, changed)),
    )


def has_words(text: str) -> bool:
    """Whether spaces part words in the text: in Chinese they don't, and in a genome.

    A text of less than a few lines is taken to have them.
    """
    if len(text) < 1000:
        return True
    unparted = len(WITHOUT_SPACES.findall(text)) > len(text) / 2
    return not unparted and len(text) <= LONGEST_WORD * len(text.split())


def _notes(config: CorpusConfig, text: str, changed: str | None) -> Iterator[str]:
    if changed:
        yield f"corpus.path={config.path}: {changed}; corpus.newlines=keep leaves the file as it is"
    if not has_words(text):
        yield "no spaces part words in the text: the metrics of words are left out"
