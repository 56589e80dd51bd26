"""The words, sentence patterns and speakers of The Drowned Bell, read from lexicon.json.

A pattern is a sequence of symbols, each the name of a rule (PATTERNS), the name of a word class
(WORDS), a mark (MARKS), or a word that stands for itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

Pattern = tuple[str, ...]


@dataclass(frozen=True)
class Speaker:
    """A speaker, with their share of speeches before habits are applied.

    `favourites` are words that are FONDNESS times as likely as their rank says; `habits` multiply
    the weight of any symbol: a word, a rule, a mark, the END of a speech, another speaker's name.
    """

    name: str
    share: float
    favourites: str
    habits: Mapping[str, float]


def _third_person(verb: str) -> str:
    if verb.endswith(("s", "x", "z", "sh", "ch", "o")):
        return verb + "es"
    return re.sub("(?<![aeiou])y$", "ie", verb) + "s"


def _pattern(row: str) -> tuple[Pattern, float]:
    """A row of the file, `weight symbol symbol ...`, as the pattern and its weight."""
    weight, *symbols = row.split()
    return tuple(symbols), float(weight)


_CONTENT = resources.files(__package__).joinpath("lexicon.json").read_bytes()
_PARTS = json.loads(_CONTENT)

SHA256 = hashlib.sha256(_CONTENT).hexdigest()
"""sha256 of the file: another lexicon gives another play."""

RANK_SHIFT: float = _PARTS["rank_shift"]
"""The share of the word of rank r in its class is proportional to 1 / (r + RANK_SHIFT), r = 1, 2,
... (Mandelbrot's form of Zipf's law): the shift keeps the first words from dominating."""

FONDNESS = float(_PARTS["fondness"])

_BASE_WORDS = {name: tuple(" ".join(lines).split()) for name, lines in _PARTS["words"].items()}

WORDS: Mapping[str, tuple[str, ...]] = _BASE_WORDS | {
    f"{name}S": tuple(map(_third_person, _BASE_WORDS[name])) for name in ("DEED", "FARE")
}
"""The words of each class, the most frequent first; DEEDS and FARES are DEED and FARE in the third
person."""

PATTERNS: Mapping[str, Mapping[Pattern, float]] = {
    rule: dict(map(_pattern, rows)) for rule, rows in _PARTS["patterns"].items()
}
"""The patterns that each rule stands for, with their weights."""

MARKS: Mapping[str, tuple[tuple[float, str, str], ...]] = {
    mark: tuple((weight, text, rule) for weight, text, rule in endings)
    for mark, endings in _PARTS["marks"].items()
}
"""What a mark writes after a word: weight, text, and the rule that continues from there (empty:
the rest of the pattern). The rule ANSWER, who speaks next, is made from SPEAKERS."""

SPEAKERS: tuple[Speaker, ...] = tuple(Speaker(**speaker) for speaker in _PARTS["speakers"])
