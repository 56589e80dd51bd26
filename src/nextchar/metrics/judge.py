"""A judge that is not the model: a character n-gram model with interpolated Kneser-Ney smoothing.

    P_k(x | h_k) = (c_k(h_k x) - D(c_k(h_k x))) / c_k(h_k .) + B(h_k) P_{k-1}(x | h_{k-1})
    B(h_k)       = sum_x D(c_k(h_k x)) / c_k(h_k .),     P_{-1}(x) = 1 / V

h_k is the last k characters. Of the longest contexts c counts in the training text; of a shorter
one it counts in how many different characters its n-grams are preceded (Kneser & Ney 1995). The
discounts D(1), D(2), D(3 and more) are those of Chen & Goodman 1998, equation 26, from how many
n-grams were counted once, twice, ..:

    Y = n_1 / (n_1 + 2 n_2),     D(i) = i - (i + 1) Y n_{i+1} / n_i

Where one of n_1 .. n_4 is zero (single characters, tiny texts), all three are Y, and 1/2 where n_1
or n_2 is. Unseen contexts back off to the shorter one.

A context is known by a number: that of h_k follows from that of h_{k-1} and the character before
it, so that no order and no alphabet overflows. Shapes: N characters, R texts, T and L lengths,
V characters of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nextchar.metrics.estimators import Floats, Integers, clustered

_UNSEEN = -1


@dataclass(frozen=True, eq=False)
class _Order:
    """What is known of the contexts of one length k, numbered from 0.

    `contexts` holds, sorted, number(h_{k-1}) * V + the character before, of each context (for k = 0
    just one); `pairs` holds, sorted, number(h_k) * V + x of each pair seen, `rest` its count less
    the discount. `total` and `freed` are, by number, the sums of counts and of discounts.
    """

    contexts: Integers
    pairs: Integers
    rest: Floats
    total: Floats
    freed: Floats


class Judge:
    """Fitted on ids [N] of a vocabulary of V; `order` is the longest n-gram, context and character.

    Raises ValueError for an order below 1, or a text shorter than that.
    """

    def __init__(self, ids: Integers, vocabulary_size: int, order: int) -> None:
        if not 1 <= order <= len(ids):
            raise ValueError(
                f"metrics.judge_order={order}: must be from 1 to the {len(ids)} characters of the "
                "training text"
            )
        self.vocabulary_size = V = vocabulary_size
        contexts, numbers = np.zeros(1, dtype=np.int64), np.zeros(len(ids), dtype=np.int64)
        seen: list[tuple[Integers, Integers, Integers]] = []
        for k in range(order):
            if k > 0:
                # Contexts of k characters exist from position k on.
                keys = numbers[1:] * V + ids[: len(ids) - k]
                contexts, numbers = np.unique(keys, return_inverse=True)
            seen.append((contexts, *np.unique(numbers * V + ids[k:], return_counts=True)))
        self.orders: list[_Order] = []
        for k, (contexts, pairs, occurrences) in enumerate(seen):
            counts = occurrences
            if k + 1 < order:
                longer, preceded, _ = seen[k + 1]
                shorter = longer[preceded // V] // V * V + preceded % V
                counts = np.bincount(np.searchsorted(pairs, shorter), minlength=len(pairs))
            discounts = _discounts(counts)[np.minimum(counts, 3)]
            total, freed = (
                clustered(each, pairs // V, len(contexts)) for each in (counts, discounts)
            )
            self.orders.append(_Order(contexts, pairs, counts - discounts, total, freed))

    def distributions(self, contexts: Integers) -> Floats:
        """The next character's distribution [R, V] after `contexts` [R, T], their last characters.

        Of a context longer than the order the end is read; one that is shorter is as it is.
        """
        read = min(contexts.shape[1], len(self.orders) - 1)
        before = [contexts[:, -k, None] for k in range(1, read + 1)]
        spoken = np.tile(np.arange(self.vocabulary_size), (len(contexts), 1))
        return self._interpolated(spoken, before)

    def probabilities(self, ids: Integers, start: int) -> Floats:
        """P of each character of texts [R, T] from position `start` on, given those before it."""
        T, reach = ids.shape[1], len(self.orders) - 1
        padded = np.pad(ids, ((0, 0), (reach, 0)), constant_values=_UNSEEN)
        before = [padded[:, reach + start - k : reach + T - k] for k in range(1, reach + 1)]
        return self._interpolated(ids[:, start:], before)

    def _interpolated(self, spoken: Integers, before: Sequence[Integers]) -> Floats:
        """P of characters [R, N], order by order; `before` are those before them, nearest first."""
        V = self.vocabulary_size
        result = np.full(spoken.shape, 1 / V)
        numbers = np.zeros((len(spoken), 1), dtype=np.int64)
        for k, order in enumerate(self.orders[: len(before) + 1]):
            if k > 0:
                numbers = _number(order, numbers, before[k - 1], V)
            result = _mixed(order, numbers, numbers * V + spoken, result)
        return result

    def bits(self, ids: Integers, start: int) -> Floats:
        """-log2 P of each character from `start` on, [R, T - start]."""
        return -np.log2(self.probabilities(ids, start))

    def write(self, prompts: Integers, noise: Floats) -> Integers:
        """Continue prompts [R, T] by inverse transform of `noise` [R, L], to ids [R, L]."""
        T, L = prompts.shape[1], noise.shape[1]
        whole = np.concatenate((prompts, np.zeros_like(noise, dtype=np.int64)), axis=1)
        reach = len(self.orders) - 1
        for t in range(T, T + L):
            cumulative = self.distributions(whole[:, max(t - reach, 0) : t]).cumsum(1)
            target = noise[:, t - T, None] * cumulative[:, -1:]
            whole[:, t] = (cumulative <= target).sum(1).clip(max=self.vocabulary_size - 1)
        return whole[:, T:]


def _number(order: _Order, shorter: Integers, before: Integers, V: int) -> Integers:
    """Numbers of contexts that are one character, `before`, longer; _UNSEEN for what never was."""
    keys = shorter * V + before
    places = np.searchsorted(order.contexts, keys).clip(max=len(order.contexts) - 1)
    known = (shorter != _UNSEEN) & (before != _UNSEEN) & (order.contexts[places] == keys)
    return np.where(known, places, _UNSEEN)


def _mixed(order: _Order, numbers: Integers, keys: Integers, shorter: Floats) -> Floats:
    """Kneser and Ney's mixture, where the context is known; else the shorter one's probability."""
    places = np.searchsorted(order.pairs, keys).clip(max=len(order.pairs) - 1)
    rest = np.where(order.pairs[places] == keys, order.rest[places], 0.0)
    total, freed = order.total[numbers], order.freed[numbers]
    # The context at the very start of the text may be preceded by nothing: its total is zero.
    known = (numbers != _UNSEEN) & (total > 0)
    return np.where(known, (rest + freed * shorter) / np.where(known, total, 1.0), shorter)


def _discounts(counts: Integers) -> Floats:
    """D of 0, 1, 2, and 3 or more."""
    n = [int((counts == i).sum()) for i in range(1, 5)]
    y = n[0] / (n[0] + 2 * n[1]) if n[0] and n[1] else 0.5
    if min(n) == 0:
        return np.array([0.0, y, y, y])
    return np.array([0.0, *(i - (i + 1) * y * n[i] / n[i - 1] for i in (1, 2, 3))]).clip(min=0.0)
