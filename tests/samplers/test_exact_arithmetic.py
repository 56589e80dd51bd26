"""Every sampler against its equation in sixty digits: nothing is rounded below float64."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, getcontext
from itertools import pairwise

import numpy as np
import pytest
import torch

from nextchar.samplers import Sampler, build, registered

D = Decimal
Row = list[D]
Rule = Callable[[Row, list[int]], Row]
"""From logits and the ids that were read to probabilities."""

V, ROWS, READ = 9, 6, [3, 1, 4, 1, 5, 2, 6, 5, 3, 1]


@pytest.fixture(autouse=True)
def sixty_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getcontext(), "prec", 60)


def softmax(logits: Row) -> Row:
    weights = [(each - max(logits)).exp() for each in logits]
    return [each / sum(weights) for each in weights]


def entropy(p: Row) -> D:
    return -sum(each * each.ln() for each in p)


def order(values: Row) -> list[int]:
    return sorted(range(V), key=lambda i: -values[i])


def cut(logits: Row, kept: Iterable[int]) -> Row:
    p, kept = softmax(logits), set(kept)
    return [p[i] / sum(p[j] for j in kept) if i in kept else D(0) for i in range(V)]


def reach(p: Row, sequence: list[int], mass: float) -> list[int]:
    """Those of a sequence before which less than the mass lies."""
    return [i for at, i in enumerate(sequence) if sum(p[j] for j in sequence[:at]) < D(mass)]


def top_p(logits: Row, read: list[int]) -> Row:
    p = softmax(logits)
    return cut(logits, reach(p, order(p), 0.9))


def typical(logits: Row, read: list[int]) -> Row:
    p = softmax(logits)
    return cut(logits, reach(p, order([-abs(-each.ln() - entropy(p)) for each in p]), 0.6))


def min_p(logits: Row, read: list[int]) -> Row:
    p = softmax(logits)
    return cut(logits, (i for i in range(V) if p[i] >= D(0.1) * max(p)))


def epsilon(logits: Row, read: list[int]) -> Row:
    return cut(logits, (i for i, each in enumerate(softmax(logits)) if each >= D(0.02)))


def eta(logits: Row, read: list[int]) -> Row:
    p = softmax(logits)
    bound = min(D(0.3), D(0.3).sqrt() * (-entropy(p)).exp())
    return cut(logits, (i for i in range(V) if p[i] >= bound))


def top_n_sigma(logits: Row, read: list[int]) -> Row:
    mean = sum(logits) / V
    sigma = (sum((each - mean) ** 2 for each in logits) / V).sqrt()
    return cut(logits, (i for i in range(V) if logits[i] >= max(logits) - D(1.1) * sigma))


def top_h(logits: Row, read: list[int]) -> Row:
    p = softmax(logits)
    kept = order(p)[:1]
    for i in order(p)[1:]:
        inside = [each for each in cut(logits, [*kept, i]) if each > 0]
        if entropy(inside) > D(0.6) * entropy(p):
            break
        kept.append(i)
    return cut(logits, kept)


def xtc(logits: Row, read: list[int]) -> Row:
    p = softmax(logits)
    above = [i for i in order(p) if p[i] >= D(0.15)]
    without = cut(logits, (i for i in range(V) if i not in above[:-1]))
    return [D(0.3) * one + (1 - D(0.3)) * other for one, other in zip(without, p, strict=True)]


def dynamic_temperature(logits: Row, read: list[int]) -> Row:
    low, high = D(0.8) - D(0.4), D(0.8) + D(0.4)
    share = entropy(softmax(logits)) / D(V).ln()
    return softmax([each / (low + (high - low) * share) for each in logits])


def no_repeat_ngram(logits: Row, read: list[int]) -> Row:
    banned = {after for one, after in pairwise(read) if one == read[-1]}
    return cut(logits, (i for i in range(V) if i not in banned))


def dry(logits: Row, read: list[int]) -> Row:
    changed = list(logits)
    for i in range(V):
        lengths = [common_suffix(read[:at], read) for at, each in enumerate(read) if each == i]
        if lengths and max(lengths) >= 1:
            changed[i] -= D(0.7) * D(1.7) ** (max(lengths) - 1)
    return softmax(changed)


def mirostat(logits: Row, read: list[int]) -> Row:
    """At the start: the surprise is at most twice the target, three bits."""
    return cut(logits, (i for i, each in enumerate(softmax(logits)) if each >= 1 / D(8)))


def common_suffix(one: list[int], other: list[int]) -> int:
    length = 0
    while length < len(one) and one[-1 - length] == other[-1 - length]:
        length += 1
    return length


RULES: dict[str, tuple[object, Rule]] = {
    "greedy": (None, lambda logits, read: cut(logits, order(logits)[:1])),
    "temperature": (0.7, lambda logits, read: softmax([each / D(0.7) for each in logits])),
    "dynamic_temperature": ({"temperature": 0.8, "range": 0.4}, dynamic_temperature),
    "top_k": (3, lambda logits, read: cut(logits, order(logits)[:3])),
    "top_p": (0.9, top_p),
    "typical": (0.6, typical),
    "min_p": (0.1, min_p),
    "epsilon": (0.02, epsilon),
    "eta": (0.3, eta),
    "top_n_sigma": (1.1, top_n_sigma),
    "top_h": (0.6, top_h),
    "xtc": ({"threshold": 0.15, "probability": 0.3}, xtc),
    "mirostat": (
        1.5,
        lambda logits, read: cut(
            logits, (i for i, p in enumerate(softmax(logits)) if p >= 1 / D(8))
        ),
    ),
    "repetition_penalty": (
        1.2,
        lambda logits, read: softmax(
            [
                x if i not in read else x * D(1.2) if x < 0 else x / D(1.2)
                for i, x in enumerate(logits)
            ]
        ),
    ),
    "frequency_penalty": (
        0.3,
        lambda logits, read: softmax([x - D(0.3) * read.count(i) for i, x in enumerate(logits)]),
    ),
    "presence_penalty": (
        0.3,
        lambda logits, read: softmax([x - D(0.3) * (i in read) for i, x in enumerate(logits)]),
    ),
    "no_repeat_ngram": (2, no_repeat_ngram),
    "dry": ({"multiplier": 0.7, "base": 1.7, "allowed": 1}, dry),
}


def ours() -> list[str]:
    kinds = registered(Sampler).items()
    return [name for name, kind in kinds if kind.__module__.startswith("nextchar.")]


@pytest.mark.parametrize("name", ours())
def test_a_sampler_is_its_equation(name: str) -> None:
    value, rule = RULES[name]
    sampler = build({name: value})
    logits = torch.from_numpy(np.random.default_rng(7).normal(0, 2, (ROWS, V)))
    state = sampler.start(torch.tensor([READ]).expand(ROWS, -1)) if sampler.has_memory else None
    assert sampler.warped(logits, state and state[0]).dtype == torch.float64
    found = sampler.distribution(logits, state)
    assert found.dtype == torch.float64
    for row, chosen in zip(logits.tolist(), found.tolist(), strict=True):
        expected = rule([D(each) for each in row], READ)
        for one, exact in zip(chosen, expected, strict=True):
            assert abs(D(one) - exact) <= D("1e-14") * exact


@pytest.mark.parametrize("name", ours())
@pytest.mark.parametrize("given", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision_logits_are_raised_first(name: str, given: torch.dtype) -> None:
    """A distribution is that of the same logits in float64, bit for bit."""
    sampler = build({name: RULES[name][0]})
    logits = torch.randn(ROWS, V, generator=torch.Generator().manual_seed(1)).to(given)
    state = sampler.start(torch.tensor([READ]).expand(ROWS, -1)) if sampler.has_memory else None
    found = sampler.distribution(logits, state)
    assert found.dtype == torch.float64
    assert torch.equal(found, sampler.distribution(logits.double(), state))


@pytest.mark.parametrize("name", ours())
def test_extreme_parameters_stay_finite(name: str) -> None:
    """The largest and the smallest value that is allowed never makes NaN of peaked logits."""
    logits = torch.tensor([[300.0, -300.0, 0.0, 1e-300, 5.0], [0.0] * 5], dtype=torch.float64)
    parameters = build({name: RULES[name][0]}).parameters()
    tried = 0
    for value in (-1e9, 0, 5e-324, 1e-9, 0.5, 1 - 2**-53, 1, 1e9, 1e308):
        for given in [{next(iter(parameters)): value}] if parameters else [None]:
            for further in [{}, *({each: value} for each in list(parameters)[1:])]:
                base = RULES[name][0]
                known = base if isinstance(base, dict) else {}
                spec = None if given is None else {**known, **given, **further}
                try:
                    sampler = build({name: spec})
                except ValueError:
                    continue
                tried += 1
                state = sampler.start(torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2, 3, 4]] * 2))
                chosen = sampler.distribution(logits, state if sampler.has_memory else None)
                torch.testing.assert_close(chosen.sum(-1), torch.ones(2, dtype=torch.float64))
    assert tried > 1
