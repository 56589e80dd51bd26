"""Generated texts with all that was measured of them, and the texts that they are compared with.

Shapes: R texts, T characters of a prompt, L characters of a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from nextchar.metrics.estimators import Floats, Integers

if TYPE_CHECKING:
    from nextchar.data.corpus import Corpus
    from nextchar.metrics.judge import Judge

Result = TypeVar("Result")

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
"""Letters, with apostrophes inside: don't is a word, and of 'tis the word is tis."""


def words(text: str) -> list[str]:
    """All words, in lower case."""
    return [match.group().lower() for match in WORD.finditer(text)]


class NoWordsError(Exception):
    """The text has no words that spaces part: what is counted of words means nothing."""


@dataclass(frozen=True, eq=False)
class ReferenceTexts:
    """What generated texts are compared with.

    `held_out` are the stretches of the validation split that are not among the human texts; `judge`
    is the n-gram judge, of metrics.level=full only.
    """

    corpus: Corpus
    held_out: Sequence[str] = ()
    judge: Judge | None = None
    _derived: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    @cached_property
    def _has_words(self) -> bool:
        from nextchar.data.corpus import has_words  # imports torch

        return has_words(self.corpus.text)

    def require_words(self) -> None:
        """Raise NoWordsError where the corpus has none; a metric that asks is then left out."""
        if not self._has_words:
            raise NoWordsError

    def derived(self, function: Callable[..., Result], *arguments: Hashable) -> Result:
        """function(self, *arguments), computed once for all samplers."""
        key = (function, *arguments)
        if key not in self._derived:
            self._derived[key] = function(self, *arguments)
        result: Result = self._derived[key]
        return result


@dataclass(frozen=True, eq=False)
class GeneratedTexts:
    """All texts of one sampler, or of a reference such as human text.

    Text i is sample `samples[i]` (from 0) after prompt `prompts[i]`, whose ids are `prompt_ids`
    [R, T]; its own are `ids` [R, L]. `bits` [R, L] is -log2 p of each character under the untouched
    model; `entropy` (bits) and `support_size` [R, L] are of the distributions that the characters
    were drawn from, None where these are not known: human text, a search.

    Filled in where they are needed, None elsewhere: `matches` [R, L], how many characters from each
    position on are a passage of the training text (metrics.level=full); `clusters`, the windows of
    each text counted in M partitions into k clusters of the model's hidden states [R, M, k], and
    those of the reference [M, k] (metrics.frontier); `first_impossible` [R], the index of the first
    character that the corpus's automaton can't write, L if there is none.
    """

    sampler: str
    prompts: Integers
    samples: Integers
    prompt_ids: Integers
    ids: Integers
    bits: Floats
    reference: ReferenceTexts
    entropy: Floats | None = None
    support_size: Floats | None = None
    matches: Integers | None = None
    clusters: tuple[Floats, Floats] | None = None
    first_impossible: Integers | None = None

    @property
    def length(self) -> int:
        """L."""
        return self.ids.shape[1]

    @cached_property
    def texts(self) -> list[str]:
        """The texts, decoded."""
        return self._decode(self.ids)

    @cached_property
    def prompt_texts(self) -> list[str]:
        """The prompt before each text, decoded."""
        return self._decode(self.prompt_ids)

    @cached_property
    def words(self) -> list[list[str]]:
        """The words of each text, in lower case. Raises NoWordsError where there are none."""
        self.reference.require_words()
        return [words(text) for text in self.texts]

    @cached_property
    def sets(self) -> list[tuple[Integers, GeneratedTexts]]:
        """The first texts of all prompts, the second ones, and so on, each with its indices."""
        found = [np.flatnonzero(self.samples == number) for number in np.unique(self.samples)]
        return [(at, self.take(at)) for at in found] if len(found) > 1 else [(found[0], self)]

    def take(self, indices: Integers) -> GeneratedTexts:
        """Some of the texts."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        arrays = {name: each for name, each in given.items() if isinstance(each, np.ndarray)}
        changed: dict[str, Any] = {name: each[indices] for name, each in arrays.items()}
        if self.clusters is not None:
            own, reference = self.clusters
            changed["clusters"] = (own[indices], reference)
        return replace(self, **changed)

    def _decode(self, ids: Integers) -> list[str]:
        characters = self.reference.corpus.vocabulary.characters
        return ["".join([characters[index] for index in row]) for row in ids.tolist()]


def held_out(validation_text: str, pieces: Sequence[tuple[int, int]], least: int) -> list[str]:
    """The stretches of held-out text that no piece [start, end) covers, of `least` characters or
    more: human text must not be compared with itself."""
    stretches, at = [], 0
    for start, end in [*sorted(pieces), (len(validation_text), len(validation_text))]:
        if start - at >= least:
            stretches.append(validation_text[at:start])
        at = max(at, end)
    return stretches
