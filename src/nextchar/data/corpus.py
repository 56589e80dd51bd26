"""A corpus: its text read or drawn, encoded, and split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from nextchar.config import CorpusConfig
from nextchar.data import source
from nextchar.data.grammar import compiler
from nextchar.data.grammar.automaton import Automaton
from nextchar.data.source import CorpusError
from nextchar.runtime import memory


@dataclass(frozen=True)
class Vocabulary:
    """The distinct characters of a corpus, in code-point order; a character's id is its index."""

    characters: str

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> Tensor:
        """Text of N characters to ids [N]. Raises CorpusError for an unknown character."""
        ids = {character: index for index, character in enumerate(self.characters)}
        unknown = sorted(set(text) - ids.keys())
        if unknown:
            raise CorpusError(f"text contains {unknown[0]!r}, which the corpus does not contain")
        return torch.tensor([ids[character] for character in text], dtype=torch.long)

    def decode(self, ids: Tensor) -> str:
        """Ids [N] to text."""
        return "".join(self.characters[index] for index in ids.tolist())


@dataclass(frozen=True)
class Corpus:
    """A text, encoded and split: the first part trains (ids [N]), the last validates (ids [M]).

    With a corpus.train_share below 1 the text between them is unused. `automaton` has the true
    distribution of the text where it is known; `identity` identifies the text by content (see
    nextchar.data.source); `substituted` says why this corpus replaces the one in the config.
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
    automaton = None
    if found.path is None:
        drawn = f"corpus.characters={config.characters}"
        memory.require(config.characters * 48, "drawing the text takes", drawn)
        text, automaton = compiler.write_play(config.characters, config.seed), compiler.play()
    else:
        text = source.read_text(config, found.path)
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
    )
