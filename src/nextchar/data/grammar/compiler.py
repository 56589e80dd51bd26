"""The embedded corpus: a play whose true next-character distribution is known after any prefix.

The lexicon is a stochastic grammar in which only the last symbol of a pattern may be recursive, so
it is regular and compiles into a finite automaton. A context is all that the past says about the
future: who speaks, and a distribution over the patterns that may still come. Each word takes a
derivative (Brzozowski 1964, weighted): of every pattern that allows the word, the rest is kept and
reweighted by Bayes' rule. Finitely many contexts are reachable from the first one. In each of them
a trie spells the words that may come, marks and spaces included; its edges carry the total share of
the words below them. States with the same future are merged.

A context and a word determine the next context, and a state and a character the next state: the
automaton is unifilar, so its entropy rate is exact.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from math import fsum, prod

import numpy as np

from nextchar.data.grammar.automaton import Automaton
from nextchar.data.grammar.lexicon import (
    FONDNESS,
    MARKS,
    PATTERNS,
    RANK_SHIFT,
    SPEAKERS,
    WORDS,
    Pattern,
    Speaker,
)

Shares = Mapping[Pattern, float]

# In Spelling:
Word = tuple[str, float, int]  # text, share, the state after it
Edge = tuple[str, float, int]  # character, probability, the state after it
Edges = tuple[Edge, ...]

DECIMALS = 10
"""Shares are compared to this many decimals, so that rounding errors do not separate futures."""

CAST = frozenset(speaker.name for speaker in SPEAKERS)


@dataclass(frozen=True)
class Context:
    """Who speaks, whether a line begins, and the shares of the patterns that may come.

    Contexts are equal when their shares, rounded, are.
    """

    speaker: str
    line_begins: bool
    rounded: frozenset[tuple[Pattern, float]]
    patterns: Shares = field(compare=False)


Endings = tuple[tuple[str, float, Context], ...]
"""The texts that may end a word, with their probabilities and the contexts after them."""


@cache
def play() -> Automaton:
    """The automaton of The Drowned Bell; it starts as if the first speaker had just spoken."""
    voices = {speaker.name: Voice(speaker) for speaker in SPEAKERS}
    first = _context(SPEAKERS[0].name, True, {("ANSWER",): 1.0})
    spelling = Spelling()
    start = spelling.root(first)
    unspelt = [first]
    while unspelt:
        context = unspelt.pop()
        unspelt += spelling.spell(context, voices[context.speaker].says(context))
    return spelling.automaton(start)


def write_play(characters: int, seed: int) -> str:
    """The first `characters` characters of the play drawn with `seed`; may end in mid-word."""
    return play().draw(characters, np.random.default_rng(seed))


class Voice:
    """The grammar of one speaker: the weight of each choice is multiplied by their habits."""

    def __init__(self, speaker: Speaker) -> None:
        self.habits = dict.fromkeys(speaker.favourites.split(), FONDNESS) | dict(speaker.habits)
        self.words = {
            name: self._shares({(word,): 1 / (r + RANK_SHIFT) for r, word in enumerate(words, 1)})
            for name, words in WORDS.items()
        }
        self.rules = {name: self._shares(patterns) for name, patterns in PATTERNS.items()}
        self.rules["ANSWER"] = self._shares(
            {(other.name, "SPEAKS"): other.share for other in SPEAKERS if other != speaker}
        )
        self.marks = {
            mark: self._shares({(text, rule): weight for weight, text, rule in endings})
            for mark, endings in MARKS.items()
        }

    def _shares(self, weights: Shares) -> Shares:
        habits = {
            symbols: weight * prod(self.habits.get(symbol.strip(), 1.0) for symbol in symbols)
            for symbols, weight in weights.items()
        }
        total = fsum(habits.values())
        return {symbols: weight / total for symbols, weight in habits.items()}

    def says(self, context: Context) -> dict[str, tuple[float, Endings]]:
        """Each word that may come next: its share, and its possible endings."""
        # What is left of the patterns, by first symbol and by the text that ends its words.
        rests: dict[str, dict[str, dict[Pattern, float]]] = {}
        for pattern, share in context.patterns.items():
            for (head, *rest), part in self._unfold(pattern, share):
                texts = rests.setdefault(head, {})
                for text, after, chance in self._endings(head, tuple(rest)):
                    texts.setdefault(text, defaultdict(float))[after] += part * chance

        said: dict[str, tuple[float, Endings]] = {}
        for head, texts in rests.items():
            speaker = head if head in CAST else context.speaker
            total = fsum(fsum(left.values()) for left in texts.values())
            endings = tuple(
                (text, fsum(left.values()) / total, _context(speaker, text.endswith("\n"), left))
                for text, left in sorted(texts.items())
            )
            itself = {("" if head in MARKS else head,): 1.0}  # what is no class of words
            for (word,), share in self.words.get(head, itself).items():
                spelt = _capitalised(word) if context.line_begins else word
                meaning = total * share, endings
                said[spelt] = _mixture(said[spelt], meaning) if spelt in said else meaning
        return said

    def _unfold(self, pattern: Pattern, share: float) -> Iterator[tuple[Pattern, float]]:
        """Expand `pattern` into patterns that do not begin with a rule, with their shares."""
        head, rest = pattern[0], pattern[1:]
        if head not in self.rules:
            yield pattern, share
            return
        for choice, part in self.rules[head].items():
            yield from self._unfold(choice + rest, share * part)

    def _endings(self, head: str, rest: Pattern) -> Iterator[tuple[str, Pattern, float]]:
        """The texts that may end a word of `head`, with the pattern that is left afterwards."""
        mark, left = (head, rest) if head in MARKS else (rest[0], rest[1:])
        if mark not in self.marks:
            yield " ", rest, 1.0
            return
        for (text, rule), chance in self.marks[mark].items():
            yield text, (rule,) if rule else left, chance


class Spelling:
    """The states and their edges: one trie of words per context; equal futures share a state."""

    def __init__(self) -> None:
        self.edges: list[Edges] = []
        self.roots: dict[Context, int] = {}
        self.futures: dict[Edges, int] = {}
        self.tails: dict[tuple[str, int], int] = {}

    def root(self, context: Context) -> int:
        """The state where the words of `context` begin."""
        if context not in self.roots:
            self.roots[context] = self._new_state(())
        return self.roots[context]

    def spell(self, context: Context, says: Mapping[str, tuple[float, Endings]]) -> list[Context]:
        """Build the trie of the words of `context`; return the contexts that are new."""
        endings = {id(endings): endings for _, endings in says.values()}
        met = dict.fromkeys(after for those in endings.values() for _, _, after in those)
        new = [after for after in met if after not in self.roots]
        said = {
            key: self._node(
                [(text, chance, self.root(after)) for text, chance, after in those],
                0,
                fsum([chance for _, chance, _ in those]),
            )
            for key, those in endings.items()
        }
        words = sorted((word, share, said[id(endings)]) for word, (share, endings) in says.items())
        self.edges[self.root(context)] = self._branch(words, 0, fsum([word[1] for word in words]))
        return new

    def _branch(self, words: Sequence[Word], depth: int, total: float) -> Edges:
        """The edges of the trie node of the sorted `words`, alike up to `depth`: `total` shares."""
        edges: list[Edge] = []
        if len(words[0][0]) == depth:
            (_, share, after), *words = words
            for letter, part, state in self.edges[after]:
                edges.append((letter, round(part * share / total, DECIMALS), state))
        for letter, group in groupby(words, lambda word: word[0][depth]):
            branch = list(group)
            share = branch[0][1] if len(branch) == 1 else fsum([word[1] for word in branch])
            state = self._node(branch, depth + 1, share)
            edges.append((letter, round(share / total, DECIMALS), state))
        if len({edge[0] for edge in edges}) < len(edges):
            raise ValueError(f"lexicon: {words[0][0]!r} also ends at {depth} letters; rephrase it")
        return tuple(edges)

    def _node(self, words: Sequence[Word], depth: int, total: float) -> int:
        if len(words) == 1:
            text, _, after = words[0]
            return self._tail(text[depth:], after)
        edges = self._branch(words, depth, total)
        if edges not in self.futures:
            self.futures[edges] = self._new_state(edges)
        return self.futures[edges]

    def _tail(self, text: str, after: int) -> int:
        """The state from which `text` alone leads to the state `after`."""
        if not text:
            return after
        tail = text, after
        if tail not in self.tails:
            self.tails[tail] = self._new_state(((text[0], 1.0, self._tail(text[1:], after)),))
        return self.tails[tail]

    def _new_state(self, edges: Edges) -> int:
        self.edges.append(edges)
        return len(self.edges) - 1

    def automaton(self, start: int) -> Automaton:
        """The automaton of all states and edges."""
        letters = [edge[0] for edges in self.edges for edge in edges]
        alphabet = "".join(sorted(set(letters)))
        place = {letter: index for index, letter in enumerate(alphabet)}
        source = np.repeat(np.arange(len(self.edges)), [len(edges) for edges in self.edges])
        probability = np.array([edge[1] for edges in self.edges for edge in edges])
        return Automaton(
            alphabet=alphabet,
            source=source,
            character=np.array([place[letter] for letter in letters]),
            target=np.array([edge[2] for edges in self.edges for edge in edges]),
            probability=probability / np.bincount(source, probability)[source],
            start=start,
        )


def _context(speaker: str, line_begins: bool, weights: Shares) -> Context:
    """The context of patterns with these weights, which need not be normalised."""
    total = fsum(weights.values())
    shares = {pattern: weight / total for pattern, weight in weights.items()}
    rounded = frozenset((pattern, round(share, DECIMALS)) for pattern, share in shares.items())
    return Context(speaker, line_begins, rounded, shares)


def _mixture(*meanings: tuple[float, Endings]) -> tuple[float, Endings]:
    """The total share of a word with several meanings, and its possible endings."""
    total = fsum(share for share, _ in meanings)
    left: dict[str, dict[Pattern, float]] = defaultdict(lambda: defaultdict(float))
    for share, endings in meanings:
        for text, chance, after in endings:
            for pattern, part in after.patterns.items():
                left[text][pattern] += share / total * chance * part
    speaker = endings[0][2].speaker
    return total, tuple(
        (text, fsum(patterns.values()), _context(speaker, text.endswith("\n"), patterns))
        for text, patterns in sorted(left.items())
    )


def _capitalised(word: str) -> str:
    return re.sub("[A-Za-z]", lambda letter: letter[0].upper(), word, count=1)
