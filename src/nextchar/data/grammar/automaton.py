"""A unifilar probabilistic automaton with exact next-character distributions and entropy rate.

State s emits character x and moves to state t with probability T[s, x, t]. A reader of the prefix
x_1 .. x_n has a belief b_n over states, which forward filtering updates:

    P(x | x_1..x_n) = sum_s,t b_n(s) T[s, x, t]
    b_{n+1}(t)      = sum_s b_n(s) T[s, x_{n+1}, t] / P(x_{n+1} | x_1..x_n)

It is unifilar: the state and the character determine the next state. So the entropy rate has a
closed form (Shannon 1948, section 7), where pi is the stationary distribution:

    h = - sum_s pi(s) sum_x,t T[s, x, t] log2 T[s, x, t]   bits per character

Shapes: S states, V characters, E edges, B texts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Automaton:
    """The edges of an automaton over the sorted, distinct characters of `alphabet`.

    `source`, `character` (an index into the alphabet), `target` and `probability` are [E]; they are
    stored read-only, sorted by source, then character. The states are 0 .. max(source).
    """

    alphabet: str
    source: Integers
    character: Integers
    target: Integers
    probability: Floats
    start: int = 0

    def __post_init__(self) -> None:
        order = np.lexsort((self.character, self.source))
        for name in ("source", "character", "target", "probability"):
            ordered = getattr(self, name)[order]
            ordered.setflags(write=False)
            object.__setattr__(self, name, ordered)
        assert np.allclose(np.bincount(self.source, self.probability), 1, rtol=0, atol=1e-9)

    @property
    def states(self) -> int:
        """S."""
        return int(self.source[-1]) + 1

    @cached_property
    def _first(self) -> Integers:
        """[S + 1] the edges of state s are `_first[s] : _first[s + 1]`."""
        return np.searchsorted(self.source, np.arange(self.states + 1)).astype(np.int64)

    @cached_property
    def _moves(self) -> dict[int, int]:
        """The next state by `state * V + character`."""
        key = self.source * len(self.alphabet) + self.character
        return dict(zip(key.tolist(), self.target.tolist(), strict=True))

    def draw(self, length: int, generator: np.random.Generator) -> str:
        """Draw `length` characters from the start; a shorter draw is a prefix of a longer one."""
        running = np.cumsum(self.probability)
        before = np.concatenate(([0.0], running))[self._first[:-1]]
        below = (running - before[self.source]).tolist()
        first, target = self._first.tolist(), self.target.tolist()
        letter = [self.alphabet[index] for index in self.character.tolist()]
        state, written = self.start, []
        for uniform in generator.random(length).tolist():
            # The last edge also gets the rounding error of the sums.
            edge = bisect_right(below, uniform, first[state], first[state + 1] - 1)
            written.append(letter[edge])
            state = target[edge]
        return "".join(written)

    def next_distributions(self, text: str) -> Floats:
        """[len(text) + 1, V] the true distribution of the character after text[:0], text[:1], ...

        Before the text, the belief is the stationary distribution: the text comes from anywhere.
        After an impossible character, or one outside the alphabet, all rows are zeros.
        """
        return self.batch_next_distributions([text])[0]

    def batch_next_distributions(self, texts: Sequence[str]) -> list[Floats]:
        """`next_distributions` of B texts at once; the work on common prefixes is shared."""
        width = len(self.alphabet)
        place = {letter: index for index, letter in enumerate(self.alphabet)}
        codes = [np.array([place.get(letter, -1) for letter in text], int) for text in texts]
        lengths = np.array([len(text) for text in texts], int)
        longest = int(lengths.max(initial=0))
        padded = np.full((len(texts), longest), -1)
        rows = np.zeros((len(texts), longest + 1, width))
        for text, code in enumerate(codes):
            padded[text, : len(code)] = code

        # A group is the texts with the same prefix; its belief is the entries of (owner, state,
        # weight) with owner = group. `reading` are the unfinished texts, `group` their groups.
        reading = np.arange(len(texts))
        group = np.zeros(len(texts), int)
        state = np.flatnonzero(self.stationary)
        weight = self.stationary[state]
        owner = np.zeros_like(state)
        groups = 1
        for step in range(longest + 1):
            entry = np.full(groups, -1)
            entry[owner] = state
            settled = np.bincount(owner, minlength=groups)[group] == 1
            for text, at in zip(reading[settled], entry[group[settled]], strict=True):
                rows[text, step : lengths[text] + 1] = self._walk(int(at), codes[text][step:])
            reading, group = reading[~settled], group[~settled]
            if not reading.size:
                break
            edge, origin = self._leaving(state)
            spoken = owner[origin] * width + self.character[edge]
            joint = weight[origin] * self.probability[edge]
            chance = np.bincount(spoken, joint, minlength=groups * width)
            rows[reading, step] = chance.reshape(groups, width)[group]

            unread = step < lengths[reading]
            reading, group = reading[unread], group[unread]
            if not reading.size:
                break
            code = padded[reading, step]
            heard = group * width + code
            possible = (code >= 0) & (chance[heard] > 0)
            reading, (kept, group) = reading[possible], _renumber(heard[possible])
            groups = len(kept)
            following = np.full(len(chance), -1)
            following[kept] = np.arange(groups)
            goes = following[spoken] >= 0
            spoken, edge, joint = spoken[goes], edge[goes], joint[goes]
            pair, same = _renumber(following[spoken] * self.states + self.target[edge])
            owner, state = np.divmod(pair, self.states)
            weight = np.bincount(same, joint / chance[spoken]).astype(np.float64)
        return [rows[text, : length + 1] for text, length in enumerate(lengths)]

    def _leaving(self, state: Integers) -> tuple[Integers, Integers]:
        """The edges that leave the states [N], and for each its source as an index into `state`."""
        count = self._first[state + 1] - self._first[state]
        origin = np.repeat(np.arange(len(state)), count)
        skipped = np.cumsum(count) - count
        return self._first[state][origin] + np.arange(len(origin)) - skipped[origin], origin

    def _walk(self, state: int, codes: Integers) -> Floats:
        """[len(codes) + 1, V] the rows of a text that starts in one known state."""
        width = len(self.alphabet)
        path = [state]
        for code in codes.tolist():
            after = self._moves.get(path[-1] * width + code) if code >= 0 else None
            if after is None:
                break
            path.append(after)
        edge, origin = self._leaving(np.array(path))
        rows = np.zeros((len(codes) + 1, width))
        rows[origin, self.character[edge]] = self.probability[edge]
        return rows

    @cached_property
    def stationary(self) -> Floats:
        """[S] pi = pi T, the share of time spent in each state; zero for transient states.

        For a periodic automaton it is the average over the period. One closed class must be
        reachable from the start.
        """
        size = (self.states, self.states)
        step = sparse.csr_array((self.probability, (self.source, self.target)), shape=size)
        _, part = csgraph.connected_components(step, connection="strong")
        reached = csgraph.breadth_first_order(step, self.start, return_predecessors=False)
        left = part[self.source[part[self.source] != part[self.target]]]
        (closed,) = np.setdiff1d(part[reached], left)
        members = np.flatnonzero(part == closed)
        inner = step[members][:, members]
        # One state's share is set to 1; the balance of the others is then a regular system.
        share = np.ones(len(members))
        if len(members) > 1:
            balance = (sparse.eye_array(len(members)) - inner).T.tocsc()
            column = inner[[0], 1:].toarray()[0]
            share[1:] = splu(balance[1:, 1:]).solve(column)
        share /= share.sum()
        residual = float(np.abs(share @ inner - share).sum())
        assert residual < 1e-11, f"stationary distribution: residual {residual}"
        result = np.zeros(self.states)
        result[members] = share
        result.setflags(write=False)
        return result

    def entropy_rate(self) -> float:
        """h in bits per character, exact."""
        bits = -self.probability * np.log2(self.probability)
        return float(self.stationary[self.source] @ bits)


def _renumber(keys: Integers) -> tuple[Integers, Integers]:
    """The distinct keys, sorted, and for each key its index among them."""
    distinct, place = np.unique(keys, return_inverse=True)
    return distinct, place.astype(np.int64)
