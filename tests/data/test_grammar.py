"""The automaton against brute force and closed forms; the play against what it claims to be."""

import builtins
import re
from collections import Counter
from collections.abc import Iterable
from itertools import product
from math import log2
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from nextchar.data.grammar import lexicon
from nextchar.data.grammar.automaton import Automaton
from nextchar.data.grammar.compiler import Spelling, _context, play, write_play

Transitions = np.ndarray  # [S, V, S] the probability of writing a character and moving on


def automaton_of(transitions: Transitions, start: int = 0) -> Automaton:
    source, character, target = np.nonzero(transitions)
    alphabet = "abcdefgh"[: transitions.shape[1]]
    return Automaton(
        alphabet, source, character, target, transitions[source, character, target], start
    )


@st.composite
def transitions(draw: st.DrawFn) -> Transitions:
    """Up to four states and three characters, many edges missing.

    A step from each state to the next one round a ring makes all states one recurrent part.
    """
    states, letters = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    weights = np.zeros((states, letters, states))
    for state in range(states):
        ring = draw(st.integers(0, letters - 1))
        weights[state, ring, (state + 1) % states] = draw(st.integers(1, 9))
        for letter, target in product(range(letters), range(states)):
            if weights[state, letter].any():
                continue
            weights[state, letter, target] += draw(st.sampled_from([0, 0, 1, 2, 7]))
    return weights / weights.sum((1, 2), keepdims=True)


def from_start(automaton: Automaton, text: str) -> np.ndarray:
    """[len(text) + 1, V] the next distributions of a text that begins where `draw` does."""
    codes = np.array([automaton.alphabet.find(letter) for letter in text], int)
    return automaton._walk(automaton.start, codes)


def enumerated(transitions: Transitions, belief: np.ndarray, word: tuple[int, ...]) -> float:
    """P(word): the sum over all paths of states, one by one."""
    states = range(len(transitions))
    return sum(
        belief[path[0]]
        * np.prod([transitions[s, x, t] for s, x, t in zip(path, word, path[1:], strict=False)])
        for path in product(states, repeat=len(word) + 1)
    )


def flow(transitions: Transitions) -> np.ndarray:
    return transitions.sum(1)


BIASED_COIN = np.array([[[0.8], [0.2]]])
GOLDEN = (5**0.5 - 1) / 2
# No two b in a row, at the largest entropy rate that this allows: log2 of the golden ratio.
GOLDEN_MEAN = np.array([[[GOLDEN, 0], [0, 1 - GOLDEN]], [[1, 0], [0, 0]]])
CLOCK = np.array([[[0, 1.0, 0], [0, 0, 0]], [[0, 0, 0.5], [0, 0, 0.5]], [[1.0, 0, 0], [0, 0, 0]]])


# ------------------------------------------------------------------------- filtering


@settings(max_examples=40, deadline=None)
@given(transitions(), st.data())
def test_next_distributions_are_sums_over_all_paths(
    matrix: Transitions, data: st.DataObject
) -> None:
    automaton = automaton_of(matrix, start=data.draw(st.integers(0, len(matrix) - 1)))
    letters = matrix.shape[1]
    word = tuple(data.draw(st.lists(st.integers(0, letters - 1), max_size=4)))
    text = "".join(automaton.alphabet[index] for index in word)
    start = np.eye(len(matrix))[automaton.start]
    for rows, belief in (
        (from_start(automaton, text), start),
        (automaton.next_distributions(text), automaton.stationary),
    ):
        assert rows.shape == (len(text) + 1, letters)
        for length, row in enumerate(rows):
            past = enumerated(matrix, belief, word[:length])
            futures = [enumerated(matrix, belief, (*word[:length], x)) for x in range(letters)]
            assert_allclose(row, np.divide(futures, past) if past > 0 else 0, atol=1e-12)
    assert_allclose(automaton.next_distributions(text), rows, atol=0)


@settings(max_examples=40, deadline=None)
@given(transitions(), st.lists(st.text("abc!", max_size=6), max_size=5))
def test_a_batch_is_its_texts_one_by_one(matrix: Transitions, texts: list[str]) -> None:
    automaton = automaton_of(matrix)
    batch = automaton.batch_next_distributions(texts)
    assert len(batch) == len(texts)
    for text, rows in zip(texts, batch, strict=True):
        assert_allclose(rows, automaton.next_distributions(text), atol=1e-15)


@settings(max_examples=40, deadline=None)
@given(transitions(), st.integers(0, 2**32), st.integers(0, 40))
def test_chain_rule(matrix: Transitions, seed: int, length: int) -> None:
    """The product of the next-character probabilities is the probability of the one path."""
    automaton = automaton_of(matrix)
    text = automaton.draw(length, np.random.default_rng(seed))
    state, path = 0, 0.0
    codes = [automaton.alphabet.index(letter) for letter in text]
    for code in codes:
        (target,) = np.flatnonzero(matrix[state, code])
        path += log2(matrix[state, code, target])
        state = target
    rows = from_start(automaton, text)
    assert_allclose(rows.sum(1), 1, atol=1e-12)
    assert_allclose(np.log2(rows[np.arange(length), codes]).sum(), path, atol=1e-9)


@pytest.mark.parametrize("text", ["abba", "ab!a"])
def test_after_the_impossible_all_rows_are_zeros(text: str) -> None:
    automaton = automaton_of(GOLDEN_MEAN)
    for rows in (automaton.next_distributions(text), from_start(automaton, text)):
        assert_allclose(rows[:3].sum(1), 1)
        assert not rows[3:].any()


# ------------------------------------------------------- stationary distribution, entropy


@settings(max_examples=40, deadline=None)
@given(transitions())
def test_stationary_is_invariant(matrix: Transitions) -> None:
    share = automaton_of(matrix).stationary
    assert_allclose(share @ flow(matrix), share, atol=1e-13)
    assert_allclose(share.sum(), 1)
    assert share.min() > 0


def test_stationary_of_a_periodic_automaton_and_of_a_start_left_for_ever() -> None:
    assert_allclose(automaton_of(CLOCK).stationary, [1 / 3] * 3)
    left_for_ever = np.zeros((3, 1, 3))
    left_for_ever[[0, 1, 2], 0, [1, 2, 1]] = 1
    assert_allclose(automaton_of(left_for_ever).stationary, [0, 0.5, 0.5])


@pytest.mark.parametrize(
    ("matrix", "bits"),
    [
        (BIASED_COIN, -0.8 * log2(0.8) - 0.2 * log2(0.2)),
        (GOLDEN_MEAN, log2(1 / GOLDEN)),
        (CLOCK, 1 / 3),
        (np.ones((1, 1, 1)), 0.0),
    ],
)
def test_entropy_rate_has_its_closed_form(matrix: Transitions, bits: float) -> None:
    assert_allclose(automaton_of(matrix).entropy_rate(), bits, atol=1e-12)


def block_entropy(matrix: Transitions, belief: np.ndarray, length: int) -> float:
    """H(x_1 .. x_n) in bits, from the probability of each block."""
    forward = [belief]
    for _ in range(length):
        forward = [b @ matrix[:, x] for b in forward for x in range(matrix.shape[1])]
    chances = np.array([b.sum() for b in forward])
    return float(-(chances[chances > 0] * np.log2(chances[chances > 0])).sum())


@settings(max_examples=30, deadline=None)
@given(transitions())
def test_entropy_rate_lies_between_the_bounds_of_block_entropies(matrix: Transitions) -> None:
    """H(x_n+1 | x_1..x_n, s_1) <= h <= H(x_n+1 | x_1..x_n); the left is an equality if unifilar."""
    automaton = automaton_of(matrix)
    share = automaton.stationary
    above = block_entropy(matrix, share, 6) - block_entropy(matrix, share, 5)
    known = [
        block_entropy(matrix, one, 6) - block_entropy(matrix, one, 5) for one in np.eye(len(share))
    ]
    assert automaton.entropy_rate() <= above + 1e-9
    assert_allclose(automaton.entropy_rate(), share @ known, atol=1e-9)


def test_block_entropies_come_down_to_the_entropy_rate() -> None:
    automaton = automaton_of(GOLDEN_MEAN)
    share = automaton.stationary
    step = block_entropy(GOLDEN_MEAN, share, 9) - block_entropy(GOLDEN_MEAN, share, 8)
    assert_allclose(automaton.entropy_rate(), step, atol=1e-12)


# ----------------------------------------------------------------------------- drawing


def test_draws_follow_the_probabilities() -> None:
    """n = 40,000 tosses, share of b within 5 standard errors: fails falsely 6e-7 of the time."""
    text = automaton_of(BIASED_COIN).draw(40_000, np.random.default_rng(5))
    assert abs(text.count("b") / 40_000 - 0.2) < 5 * (0.16 / 40_000) ** 0.5


def test_a_seed_fixes_the_text_and_a_longer_text_continues_it() -> None:
    assert write_play(3_000, seed=1) == write_play(3_000, seed=1)
    assert write_play(3_000, seed=1) != write_play(3_000, seed=2)
    assert write_play(3_000, seed=1).startswith(write_play(1_000, seed=1))
    assert write_play(0, seed=1) == ""


# ---------------------------------------------------------------------------- the play


@pytest.fixture(scope="module")
def corpus() -> str:
    return write_play(1_100_000, seed=1)


def speeches_of(text: str) -> list[tuple[str, str]]:
    """The speakers and their lines; the last speech, which may be cut, left out."""
    return [tuple(speech.split(":\n", 1)) for speech in text.split("\n\n")[:-1]]


def words_of(text: str) -> Counter[str]:
    lines = "\n".join(lines for _, lines in speeches_of(text))
    return Counter(re.findall(r"[a-z'-]*[a-z]", lines.lower()))


def test_the_play_is_a_unifilar_automaton_of_the_promised_size() -> None:
    automaton = play()
    moves = np.stack((automaton.source, automaton.character))
    assert len(np.unique(moves, axis=1).T) == automaton.source.size
    assert automaton.states < 500_000
    assert 40 <= len(automaton.alphabet) <= 65
    assert 1.0 < automaton.entropy_rate() < 1.6
    total = np.bincount(automaton.source, automaton.probability)
    assert_allclose(total, 1, atol=1e-12)
    share = automaton.stationary
    step = np.bincount(automaton.target, share[automaton.source] * automaton.probability)
    assert np.abs(step - share).sum() < 1e-12


def test_no_two_states_of_the_play_have_the_same_edges() -> None:
    """Merging is complete within the spelling: only the beginnings of words may coincide."""
    automaton = play()
    edges = zip(
        automaton.character, np.round(automaton.probability, 9), automaton.target, strict=True
    )
    futures: dict[int, tuple] = {}
    for source, edge in zip(automaton.source.tolist(), edges, strict=True):
        futures[source] = (*futures.get(source, ()), *edge)
    assert len(futures) - len(set(futures.values())) < 0.001 * automaton.states


def test_the_play_has_the_shape_of_a_play(corpus: str) -> None:
    names = {speaker.name for speaker in lexicon.SPEAKERS}
    previous = ""
    for name, lines in speeches_of(corpus):
        assert name in names - {previous}
        assert re.fullmatch(
            r"([A-Z'][a-zA-Z',' -]*([.,;:!?]|--)\n)*[A-Z'][a-zA-Z', -]*[.!?]", lines
        )
        previous = name


def test_lines_are_as_long_as_verse(corpus: str) -> None:
    lengths = [len(line) for line in corpus.splitlines() if line and not line.endswith(":")]
    assert max(lengths) < 90
    assert np.mean([20 <= length <= 50 for length in lengths]) > 0.75


def test_the_play_is_rich_and_long_tailed(corpus: str) -> None:
    counts = np.array(sorted(words_of(corpus).values(), reverse=True))
    assert len(counts) >= 600
    ranks = np.arange(1, len(counts) + 1)
    middle = slice(10, 600)
    slope = np.polyfit(np.log(ranks[middle]), np.log(counts[middle]), 1)[0]
    assert -1.3 < slope < -0.7
    names = Counter(name for name, _ in speeches_of(corpus))
    assert names.keys() == {speaker.name for speaker in lexicon.SPEAKERS}
    assert max(names.values()) > 10 * min(names.values())


def test_every_word_of_the_lexicon_is_said(corpus: str) -> None:
    words = {word.lower() for words in lexicon.WORDS.values() for word in words}
    assert words - words_of(corpus).keys() == set()


def chance_of(
    text: str, symbols: tuple[str, ...], habits: dict[str, float], capital: bool
) -> float:
    """P(text | symbols) from the lexicon: the sum over all derivations, one by one."""

    def shares(weights: dict[tuple[str, ...], float]) -> list[tuple[tuple[str, ...], float]]:
        for choice in weights:
            for symbol in choice:
                weights[choice] *= habits.get(symbol.strip(), 1)
        return [(choice, weight / sum(weights.values())) for choice, weight in weights.items()]

    if not text:
        return 1.0
    head, rest = symbols[0], symbols[1:]
    if head in lexicon.PATTERNS:
        choices = shares(dict(lexicon.PATTERNS[head]))
        return sum(p * chance_of(text, choice + rest, habits, capital) for choice, p in choices)
    if head in lexicon.MARKS:  # END, which no line of a speech contains
        return 0.0
    words = lexicon.WORDS.get(head, (head,))
    ranks = {(word,): 1 / (rank + lexicon.RANK_SHIFT) for rank, word in enumerate(words, 1)}
    total = 0.0
    for (word,), p in shares(ranks):
        first = word.startswith("'")  # the place of the first letter
        said = word[:first] + word[first].upper() + word[first + 1 :] if capital else word
        if not text.startswith(said):
            continue
        left = text[len(said) :]
        if rest[0] not in lexicon.MARKS:
            endings = [((" ", ""), 1.0)]
        else:
            endings = shares({(t, rule): w for w, t, rule in lexicon.MARKS[rest[0]]})
        for (ending, rule), q in endings:
            if left.startswith(ending):
                then = (rule,) if rule else rest[1:] if rest[0] in lexicon.MARKS else rest
                after = left[len(ending) :]
                total += p * q * chance_of(after, then, habits, ending[-1] == "\n")
    return total


def test_the_automaton_says_what_the_lexicon_says(corpus: str) -> None:
    """The probability of a speech, against all its derivations, for 60 speeches."""
    automaton = play()
    first = lexicon.SPEAKERS[0].name  # who does not answer himself at the start
    for name, lines in [speech for speech in speeches_of(corpus) if speech[0] != first][:60]:
        (speaker,) = (speaker for speaker in lexicon.SPEAKERS if speaker.name == name)
        habits = dict.fromkeys(speaker.favourites.split(), lexicon.FONDNESS) | dict(speaker.habits)
        derived = chance_of(lines + "\n", ("OPENING",), habits, True)
        text = f"{name}:\n{lines}\n"
        rows = from_start(automaton, text)
        codes = [automaton.alphabet.index(letter) for letter in text]
        chances = rows[np.arange(len(text)), codes][len(name) + 2 :]
        assert_allclose(np.log2(chances).sum(), log2(derived), atol=1e-6)


def test_log_loss_of_the_play_is_its_entropy_rate(corpus: str) -> None:
    """10 blocks of 11,000 characters; the mean within 6 of its standard errors: Student's t with 9
    degrees of freedom, so it fails falsely 2e-4 of the time (the seed is fixed)."""
    automaton = play()
    text = corpus[:110_000]
    rows = from_start(automaton, text)
    place = {letter: index for index, letter in enumerate(automaton.alphabet)}
    chances = rows[np.arange(len(text)), [place[letter] for letter in text]]
    assert chances.min() > 0
    blocks = -np.log2(chances).reshape(10, -1).mean(1)
    error = blocks.std(ddof=1) / 10**0.5
    assert error < 0.01
    assert abs(blocks.mean() - automaton.entropy_rate()) < 6 * error


def test_a_reader_from_anywhere_learns_where_the_play_is(corpus: str) -> None:
    """Conditioning on less never tells more on average, and the two readers come to agree."""
    automaton = play()
    known = from_start(automaton, corpus[:3_000])
    offset = 1_000
    from_anywhere = automaton.next_distributions(corpus[offset:3_000])
    assert_allclose(from_anywhere.sum(1), 1, atol=1e-9)
    assert np.abs(from_anywhere[0] - known[offset]).sum() > 0.1
    assert_allclose(from_anywhere[-500:], known[-500:], atol=1e-9)


def test_a_habit_shows(corpus: str) -> None:
    """ELOWEN asks, the FRIAR has proverbs: each at least twice as often as the other."""
    said: dict[str, str] = {}
    for name, lines in speeches_of(corpus):
        said[name] = said.get(name, "") + lines + "\n"
    rate = {
        name: {sign: text.count(sign) / text.count("\n") for sign in ("?\n", " is but the ")}
        for name, text in said.items()
    }
    assert rate["ELOWEN"]["?\n"] > 2 * rate["FRIAR"]["?\n"]
    assert rate["FRIAR"][" is but the "] > 2 * rate["ELOWEN"][" is but the "]


# ------------------------------------------------------------------------- the lexicon


def test_every_symbol_of_the_lexicon_is_known_and_used() -> None:
    classes, rules, marks = set(lexicon.WORDS), set(lexicon.PATTERNS), set(lexicon.MARKS)
    used = {"OPENING", "NEXT", "RUN", "ANSWER", "SPEAKS"}
    for patterns in lexicon.PATTERNS.values():
        used |= {symbol for pattern in patterns for symbol in pattern}
    unknown = used - classes - rules - marks - {"ANSWER", "O", "I"}
    assert all(re.fullmatch("[a-z']+", word) for word in unknown), unknown
    assert classes | rules | marks <= used
    said = used | {word for words in lexicon.WORDS.values() for word in words}
    names = {speaker.name for speaker in lexicon.SPEAKERS}
    endings = {text.strip() for mark in lexicon.MARKS.values() for _, text, _ in mark}
    for speaker in lexicon.SPEAKERS:
        habits = {*speaker.favourites.split(), *speaker.habits}
        assert habits <= said | names | endings, (speaker.name, habits - said - names - endings)


def test_a_class_holds_a_word_once() -> None:
    for name, words in lexicon.WORDS.items():
        assert len(words) == len(set(words)), name


def test_a_word_that_ends_and_goes_on_alike_is_refused() -> None:
    after = _context("All", False, {("ANSWER",): 1.0})
    says = {"by": (1.0, ((" ", 1.0, after),)), "by night": (1.0, ((" ", 1.0, after),))}
    with pytest.raises(ValueError, match="rephrase"):
        Spelling().spell(after, says)


def test_no_share_is_a_sum_that_depends_on_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 3.12 on the built-in sum of floats is compensated: fsum is the same in all."""
    summed = builtins.sum

    def of_integers(items: Iterable[Any], start: Any = 0) -> Any:
        items = list(items)
        assert not any(type(each) is float for each in items), "use math.fsum"
        return summed(items, start)

    monkeypatch.setattr(builtins, "sum", of_integers)
    assert play.__wrapped__().entropy_rate() == play().entropy_rate()
