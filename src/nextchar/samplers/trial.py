"""Every sampler is tried on a few rows of logits before a model is trained.

A mistake in a user's sampler is then one line at once, and not an error after the training.

Shapes: R rows, V characters of the vocabulary.
"""

import traceback
from collections.abc import Iterator

import torch
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.samplers.base import Sampler, State
from nextchar.samplers.decoder import one_line
from nextchar.samplers.external import choose, source
from nextchar.samplers.operations import draw
from nextchar.samplers.registry import settings


def try_sampler(sampler: Sampler, vocabulary_size: int, label: str) -> None:
    """Raises ConfigError, naming the decoder `label`, the class and its file, for what is wrong."""
    if isinstance(sampler.sampler, Sampler):  # first, so that the class that is wrong is named
        try_sampler(sampler.sampler, vocabulary_size, label)
    logits = _rows(vocabulary_size)
    problem = None
    try:
        if sampler.exact:
            problem = next(_problems(sampler, logits), None)
        else:
            choose(sampler, logits.float(), _noise(logits))
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        problem = f"raised {type(error).__name__}: {one_line(error)}"
        problem += f" (line {last.lineno} of {last.filename})"
    if problem:
        raise ConfigError(f"decoding.samplers: {label}: {source(sampler)}: {problem}")


def most_characters(sampler: Sampler, vocabulary_size: int) -> int:
    """How many characters are possible at most after the logits that samplers are tried on."""
    found = sampler.distribution(_rows(vocabulary_size))
    return int((found > 0).sum(-1).max())


def _problems(sampler: Sampler, logits: Tensor) -> Iterator[str]:
    """What is wrong over a few steps of logits [R, V], each with its remedy; the metrics rely on
    all that is checked here."""
    before = logits.clone()
    prompts = torch.arange(3 * len(logits)).view(-1, 3) % logits.size(-1)
    state = sampler.start(prompts) if sampler.has_memory else None
    alone = sampler.start(prompts[1:2]) if sampler.has_memory else None
    for step in range(3):  # a memory is read, updated and read again
        warped = sampler.warped(logits, state and state[0])
        yield from _wrong_tensor("warp", warped, logits)
        if (warped == torch.inf).any() or (warped.amax(-1) == -torch.inf).any():
            yield "warp leaves +inf, or nothing but -inf, in a row; leave one character finite"
        found = sampler.distribution(logits, state)
        yield from _wrong_tensor("distribution", found, logits)
        if (found < 0).any():
            yield "distribution has negative entries; return probabilities"
        for total in found.sum(-1).tolist():
            if abs(total - 1) > 1e-9:
                yield f"distribution sums to {total:.9g}; each row must sum to one"
        if step == 0:
            one = sampler.distribution(logits[1:2], alone)
            if not torch.allclose(one, found[1:2], rtol=0, atol=1e-9):
                problem = "gives a row another distribution alone than beside others"
                yield f"{problem}; reduce over the last dimension only (dim=-1)"
        if state is not None:
            state = sampler.advance(state, logits, draw(found, _noise(logits)))
        if not torch.equal(logits, before):
            yield "changes its logits in place; return new ones: masked_fill, not masked_fill_"
    if state is not None and not sampler.has_feedback:  # it is followed along held-out text
        yield from _lost_on_the_way(sampler, logits, sampler.start(prompts[:, :1]))
    if sampler.grid:
        settings(sampler)


def _lost_on_the_way(sampler: Sampler, logits: Tensor, state: State) -> Iterator[str]:
    """What is wrong with a memory that has to follow impossible characters, where there are any."""
    for least in (logits, sampler.distribution(logits, state)):
        state = sampler.advance(state, logits, least.argmin(-1))
        for problem in _wrong_tensor("warp", sampler.warped(logits, state[0]), logits):
            yield f"{problem}; a memory must follow any character, also one that is cut"


def _wrong_tensor(what: str, found: object, logits: Tensor) -> Iterator[str]:
    if not isinstance(found, Tensor):
        yield f"{what} returned {one_line(found)}; return a tensor of the shape of the logits"
    elif found.shape != logits.shape:
        shapes = f"{tuple(found.shape)} for logits {tuple(logits.shape)}"
        yield f"{what} returned the shape {shapes}; return the shape of the logits"
    elif found.dtype != torch.float64:
        yield f"{what} returned {found.dtype}; keep float64, as the logits are"
    elif found.isnan().any():
        yield f"{what} returned NaN; check for 0 / 0, inf - inf and logarithms of negative numbers"


def _rows(vocabulary_size: int) -> Tensor:
    """Logits [R, V]: all equal, random, peaked, and with impossible characters."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(5, vocabulary_size, generator=generator, dtype=torch.float64)
    rows *= torch.tensor([0, 1, 3, 30, 1])[:, None]
    rows[-1, 1::2] = -torch.inf
    return rows


def _noise(logits: Tensor) -> Tensor:
    return torch.linspace(0, 0.99, len(logits), dtype=torch.float64)
