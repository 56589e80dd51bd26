"""Every sampler is tried on a few rows of logits before a model is trained.

A mistake in a user's sampler is then one line at once, and not an error after the training.

Shapes: R rows, V characters of the vocabulary.
"""

from __future__ import annotations

import traceback

import torch
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.samplers.base import Sampler
from nextchar.samplers.decoder import one_line
from nextchar.samplers.external import choose, source
from nextchar.samplers.operations import draw
from nextchar.samplers.registry import build

STEPS = 3
"""Characters that each row writes: a memory is read, updated and read again."""


class _WrongError(Exception):
    """What a sampler did, and what it should do."""


def try_sampler(sampler: Sampler, vocabulary_size: int, label: str | None = None) -> None:
    """Raises ConfigError, naming the decoder `label`, the class and its file, for what is wrong."""
    label = label or sampler.label
    inner = sampler.sampler
    if isinstance(inner, Sampler):  # first, so that the class named is the one that is wrong
        try_sampler(inner, vocabulary_size, label)
    try:
        if sampler.exact:
            _try_distribution(sampler, vocabulary_size)
            _try_grid(sampler)
        else:
            logits = _rows(vocabulary_size).float()
            choose(sampler, logits, torch.linspace(0, 0.99, len(logits), dtype=torch.float64))
    except ConfigError:
        raise
    except _WrongError as error:
        reason = str(error)
    except (Exception, SystemExit) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"raised {type(error).__name__}: {one_line(error)}"
        reason += f" (line {last.lineno} of {last.filename})"
    else:
        return
    raise ConfigError(f"decoding.samplers: {label}: {source(sampler)}: {reason}")


def _try_distribution(sampler: Sampler, vocabulary_size: int) -> None:
    """A few steps of a few rows, everything checked that the metrics rely on."""
    logits = _rows(vocabulary_size)
    before = logits.clone()
    rows = len(logits)
    prompts = torch.arange(3 * rows).view(rows, 3) % vocabulary_size
    state = sampler.start(prompts) if sampler.has_memory else None
    for step in range(STEPS):
        warped = sampler.warped(logits, None if state is None else state[0])
        _check("warp", warped, logits)
        if (warped == torch.inf).any() or (warped.amax(-1) == -torch.inf).any():
            raise _WrongError(
                "warp leaves +inf, or nothing but -inf, in a row; leave one id finite"
            )
        found = sampler.distribution(logits, state)
        _check("distribution", found, logits)
        if (found < 0).any() or not torch.allclose(found.sum(-1), found.new_ones(rows)):
            total = found.sum(-1).tolist()
            raise _WrongError(
                f"distribution sums to {max(total, key=lambda each: abs(each - 1)):.6g} or has "
                "negative entries; return probabilities that sum to one in each row"
            )
        if not torch.equal(logits, before):
            raise _WrongError(
                "changes its logits in place; return new ones: masked_fill, not fill_"
            )
        if step == 0:
            alone = sampler.distribution(
                logits[1:2], sampler.start(prompts[1:2]) if state else None
            )
            if not torch.allclose(alone, found[1:2], rtol=0, atol=1e-9):
                raise _WrongError(
                    "gives a row another distribution alone than beside others; reduce over the "
                    "last dimension only (dim=-1)"
                )
        if state is not None:
            noise = torch.linspace(0, 0.99, rows, dtype=torch.float64)
            state = sampler.advance(state, logits, draw(found, noise))


def _check(what: str, found: object, logits: Tensor) -> None:
    if not isinstance(found, Tensor):
        raise _WrongError(
            f"{what} returned {one_line(found)}; return a tensor of the shape of the logits"
        )
    if found.shape != logits.shape:
        raise _WrongError(
            f"{what} returned the shape {tuple(found.shape)} for logits {tuple(logits.shape)}; "
            "return the shape of the logits"
        )
    if found.dtype != torch.float64:
        raise _WrongError(f"{what} returned {found.dtype}; keep float64, as the logits are")
    if found.isnan().any():
        raise _WrongError(f"{what} returned NaN; check for 0 / 0, inf - inf and log of negatives")


def _try_grid(sampler: Sampler) -> None:
    if sampler.grid and sampler.stateful:
        raise _WrongError("grid is for samplers without a memory; remove it")
    try:
        for value in sampler.grid:
            build({sampler.name: value})
    except ConfigError as error:
        raise _WrongError(f"grid holds an impossible value: {error}") from None


def _rows(vocabulary_size: int) -> Tensor:
    """Logits [R, V]: all equal, random, peaked, and with impossible characters."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(5, vocabulary_size, generator=generator, dtype=torch.float64)
    rows *= torch.tensor([0, 1, 3, 30, 1])[:, None]
    rows[-1, 1::2] = -torch.inf
    return rows
