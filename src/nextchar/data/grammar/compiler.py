"""The embedded corpus: a play whose true next-character distribution is known after any prefix.

The lexicon is a stochastic grammar in which only the last symbol of a pattern may lead back, so it
is regular, and compiles into a finite automaton. A context is all that the past can say about the
future: who speaks, and a distribution over the patterns that may still be to come. To say a word
is to take a derivative (Brzozowski 1964, weighted): of each pattern that allows the word, keep the
rest, by Bayes' rule. The contexts reached from the first one are finitely many. In each of them
the words that may come, marks and spaces included, are spelt by a trie, whose edges carry the share
of the words below them; states with one future are one state.

A context and a word fix the next context, a state and a character the next state: the automaton is
unifilar, so its entropy rate is exact.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from math import prod

import numpy as np

from nextchar.data.grammar.automaton import Automaton
from nextchar.data.grammar.lexicon import (
    FONDNESS,
    MARKS,
    PATTERNS,
    RANK_SHIFT,
    SPEAKERS,
    WORDS,
    Speaker,
)

Pattern = tuple[str, ...]
Shares = Mapping[Pattern, float]

# As Spelling knows them:
Word = tuple[str, float, int]  # its text, its share, the state after it
Edge = tuple[str, float, int]  # the character, its probability, the state after it
Edges = tuple[Edge, ...]

# Shares are compared to this many decimals, so that rounding errors do not tell futures apart.
DECIMALS = 10

CAST = frozenset(speaker.name for speaker in SPEAKERS)


@dataclass(frozen=True)
class Context:
    """Who speaks, whether a line begins, and the shares of the patterns that may be to come.

    Contexts are equal when their shares, rounded, are.
    """

    speaker: str
    line_begins: bool
    rounded: frozenset[tuple[Pattern, float]]
    patterns: Shares = field(compare=False)


# The texts that may end a word, with their chances and what comes after.
Endings = tuple[tuple[str, float, Context], ...]


@cache
def play() -> Automaton:
    """The automaton of The Drowned Bell; it starts as if the first of the cast had just spoken."""
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
    """The first `characters` characters of the play that `seed` draws: it may end within a word.

    Raises:
        ValueError: `characters` or `seed` is negative.
    """
    if seed < 0:
        raise ValueError(f"seed={seed}: must be 0 or more")
    return play().draw(characters, np.random.default_rng(seed))


class Voice:
    """The grammar as one speaker uses it: the weight of a choice times their habits in it."""

    def __init__(self, speaker: Speaker) -> None:
        self.habits = dict.fromkeys(speaker.favourites.split(), FONDNESS) | dict(speaker.habits)
        self.words = {name: self._shares(_ranked(words)) for name, words in WORDS.items()}
        self.rules = {name: self._shares(_patterns(text)) for name, text in PATTERNS.items()}
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
        total = sum(habits.values())
        return {symbols: weight / total for symbols, weight in habits.items()}

    def says(self, context: Context) -> dict[str, tuple[float, Endings]]:
        """Each word that may come next: its share, and the ways it may end."""
        # The rests of the patterns, by their first symbol and the text that ends its words.
        rests: dict[str, dict[str, dict[Pattern, float]]] = {}
        for pattern, share in context.patterns.items():
            for (head, *rest), part in self._unfold(pattern, share):
                texts = rests.setdefault(head, {})
                for text, after, chance in self._endings(head, tuple(rest)):
                    texts.setdefault(text, defaultdict(float))[after] += part * chance

        said: dict[str, tuple[float, Endings]] = {}
        for head, texts in rests.items():
            speaker = head if head in CAST else context.speaker
            total = sum(sum(left.values()) for left in texts.values())
            endings = tuple(
                (text, sum(left.values()) / total, _context(speaker, text.endswith("\n"), left))
                for text, left in sorted(texts.items())
            )
            for (word,), share in self._meanings(head).items():
                spelt = _capitalised(word) if context.line_begins else word
                meaning = total * share, endings
                said[spelt] = _mixture(said[spelt], meaning) if spelt in said else meaning
        return said

    def _unfold(self, pattern: Pattern, share: float) -> Iterator[tuple[Pattern, float]]:
        """The patterns that `pattern` stands for, none of which begins with a rule."""
        head, rest = pattern[0], pattern[1:]
        if head not in self.rules:
            yield pattern, share
            return
        for choice, part in self.rules[head].items():
            yield from self._unfold(choice + rest, share * part)

    def _endings(self, head: str, rest: Pattern) -> Iterator[tuple[str, Pattern, float]]:
        """The texts that may end a word of `head`, with the pattern that then is left."""
        mark, left = (head, rest) if head in MARKS else (rest[0], rest[1:])
        if mark not in self.marks:
            yield " ", rest, 1.0
            return
        for (text, rule), chance in self.marks[mark].items():
            yield text, (rule,) if rule else left, chance

    def _meanings(self, head: str) -> Shares:
        """The words that a symbol stands for: a mark for none, a class for many."""
        return self.words.get(head, {("" if head in MARKS else head,): 1.0})


class Spelling:
    """The states and their edges: a trie of words a context, and no two states with one future."""

    def __init__(self) -> None:
        self.edges: list[Edges] = []
        self.roots: dict[Context, int] = {}
        self.futures: dict[Edges, int] = {}
        self.tails: dict[tuple[str, int], int] = {}

    def root(self, context: Context) -> int:
        """The state at which the words of `context` begin."""
        if context not in self.roots:
            self.roots[context] = self._new_state(())
        return self.roots[context]

    def spell(self, context: Context, says: Mapping[str, tuple[float, Endings]]) -> list[Context]:
        """Grows the trie of the words of `context`; returns the contexts never met before."""
        endings = {id(endings): endings for _, endings in says.values()}
        met = dict.fromkeys(after for those in endings.values() for _, _, after in those)
        new = [after for after in met if after not in self.roots]
        said = {
            key: self._node([(text, chance, self.root(after)) for text, chance, after in those], 0)
            for key, those in endings.items()
        }
        words = sorted((word, share, said[id(endings)]) for word, (share, endings) in says.items())
        self.edges[self.root(context)] = self._branch(words, 0)
        return new

    def _branch(self, words: Sequence[Word], depth: int) -> Edges:
        """The edges of the trie node that sorted `words` share, `depth` characters down."""
        total = sum([word[1] for word in words])
        edges: list[Edge] = []
        if len(words[0][0]) == depth:
            (_, share, after), *words = words
            for letter, part, state in self.edges[after]:
                edges.append((letter, round(part * share / total, DECIMALS), state))
        for letter, group in groupby(words, lambda word: word[0][depth]):
            branch = list(group)
            share = sum([word[1] for word in branch])
            edges.append((letter, round(share / total, DECIMALS), self._node(branch, depth + 1)))
        if len({edge[0] for edge in edges}) < len(edges):
            raise ValueError(f"lexicon: {words[0][0]!r} also ends at {depth} letters; rephrase it")
        return tuple(edges)

    def _node(self, words: Sequence[Word], depth: int) -> int:
        if len(words) == 1:
            text, _, after = words[0]
            return self._tail(text[depth:], after)
        edges = self._branch(words, depth)
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
        """The automaton of all that was spelt."""
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
    """The context of patterns with these weights, in any unit."""
    total = sum(weights.values())
    shares = {pattern: weight / total for pattern, weight in weights.items()}
    rounded = frozenset((pattern, round(share, DECIMALS)) for pattern, share in shares.items())
    return Context(speaker, line_begins, rounded, shares)


def _mixture(*meanings: tuple[float, Endings]) -> tuple[float, Endings]:
    """The share of a word that can be meant in two ways, and the ways it then may end."""
    total = sum(share for share, _ in meanings)
    left: dict[str, dict[Pattern, float]] = defaultdict(lambda: defaultdict(float))
    for share, endings in meanings:
        for text, chance, after in endings:
            for pattern, part in after.patterns.items():
                left[text][pattern] += share / total * chance * part
    speaker = endings[0][2].speaker
    return total, tuple(
        (text, sum(patterns.values()), _context(speaker, text.endswith("\n"), patterns))
        for text, patterns in sorted(left.items())
    )


def _patterns(text: str) -> Shares:
    """The patterns of a rule, one a line, with their weights."""
    rows = (line.split() for line in text.strip().splitlines())
    return {tuple(symbols): float(weight) for weight, *symbols in rows}


def _ranked(words: Sequence[str]) -> Shares:
    """The words of a class, with their weights."""
    return {(word,): 1 / (rank + RANK_SHIFT) for rank, word in enumerate(words, start=1)}


def _capitalised(word: str) -> str:
    return re.sub("[A-Za-z]", lambda letter: letter[0].upper(), word, count=1)
