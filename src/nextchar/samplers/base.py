"""What all samplers share: checked logits, the exact distribution, and drawing from it.

Shapes: logits and probabilities [..., V], noise and ids [...].
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from typing import Any

import labml_nn.sampling
import torch
from torch import Tensor

State = tuple[Any, ...]
"""What each sampler of a chain remembers of its rows, the outermost first; None where nothing."""


class Sampler(labml_nn.sampling.Sampler):
    """Maps logits to a character, through a distribution that can be had exactly.

    A sampler warps the logits and hands them to an inner one: in
    `TopKSampler(5, TemperatureSampler(0.7))` the cut comes first and what is left is tempered.
    Without an inner sampler the character is drawn from the warped logits. The inner one may be any
    labml_nn sampler, or any callable from logits to ids; the whole then has no `distribution`.
    """

    name: str
    """The parameter's name in a config, and in the label."""

    stateful = False
    """Whether the warping depends on what a row has read, and not on the logits alone."""

    state_uses_logits = False
    """Whether the memory takes in the logits, and not the chosen ids alone."""

    def __init__(self, sampler: labml_nn.sampling.Sampler | None = None) -> None:
        self.sampler = sampler

    @abstractmethod
    def warp(self, logits: Tensor) -> Tensor:
        """This sampler's own change of float64 logits [..., V]: -inf is probability zero."""

    def distribution(self, logits: Tensor, state: State | None = None) -> Tensor:
        """The exact probabilities [..., V], float64, of each character's being chosen.

        Samplers with a memory take logits [R, V] and the `state` of their rows. Raises ValueError
        for logits that are no distribution (NaN, +inf, or nothing but -inf), and TypeError when an
        inner sampler is not one of ours, or a state is needed and missing.
        """
        own, rest = _split(state)
        return self._inner_distribution(self._apply(checked(logits), own), rest)

    def start(self, prompts: Tensor) -> State:
        """The state of rows that have read prompts [R, T] and written nothing yet."""
        inner = self.sampler.start(prompts) if isinstance(self.sampler, Sampler) else ()
        return (self._remember(prompts), *inner)

    def advance(self, state: State, logits: Tensor, ids: Tensor) -> State:
        """The state after `ids` [R] were chosen where the logits were [R, V]; `state` stays."""
        own, rest = _split(state)
        logits = checked(logits)
        following = self._learn(own, logits, ids)
        if not isinstance(self.sampler, Sampler):
            return (following,)
        assert rest is not None
        return (following, *self.sampler.advance(rest, self._apply(logits, own), ids))

    @property
    def exact(self) -> bool:
        """Whether there is a `distribution`: every sampler of the chain is one of ours."""
        if self.sampler is None:
            return True
        return isinstance(self.sampler, Sampler) and self.sampler.exact

    @property
    def has_memory(self) -> bool:
        """Whether a sampler of the chain remembers."""
        return self.stateful or (isinstance(self.sampler, Sampler) and self.sampler.has_memory)

    @property
    def chain_uses_logits(self) -> bool:
        """Whether what a sampler of the chain remembers depends on the logits it was given."""
        inner = isinstance(self.sampler, Sampler) and self.sampler.chain_uses_logits
        return self.state_uses_logits or inner

    def _apply(self, logits: Tensor, own: Any) -> Tensor:
        """The warping, given this sampler's own part of the state."""
        return self.warp(logits)

    def _remember(self, prompts: Tensor) -> Any:
        """This sampler's own part of the state at the start."""

    def _learn(self, own: Any, logits: Tensor, ids: Tensor) -> Any:
        """This sampler's own part of the state after a choice."""
        return own

    def _inner_distribution(self, warped: Tensor, rest: State | None) -> Tensor:
        if self.sampler is None:
            return torch.softmax(warped, dim=-1)
        if not isinstance(self.sampler, Sampler):
            raise TypeError(
                f"{type(self.sampler).__name__} maps logits to ids and has no exact distribution"
            )
        return self.sampler.distribution(warped, rest)

    def __call__(self, logits: Tensor, noise: Tensor | None = None) -> Tensor:
        """Choose an id for each row of logits.

        `noise` is uniform on [0, 1), one number a row; without it, it is drawn from torch's global
        generator, as labml_nn's samplers do.
        """
        if self.sampler is not None and not isinstance(self.sampler, Sampler):
            chosen: Tensor = self.sampler(self.warp(checked(logits)))
            return chosen
        if noise is None:
            noise = torch.rand(logits.shape[:-1], dtype=torch.float64, device=logits.device)
        return draw(self.distribution(logits), noise)

    @property
    def value(self) -> float | None:
        """The parameter, as it stands in the label; None when there is none."""
        return None

    @property
    def label(self) -> str:
        """The name under which results stand: the parameters in the order of their application.

        Parameters after the first stand there where they are not at their defaults.
        """
        own = self.name if self.value is None else f"{self.name}={short(self.value)}"
        own += "".join(f",{name}={short(value)}" for name, value in self._further().items())
        if self.sampler is None:
            return own
        inner = getattr(self.sampler, "label", type(self.sampler).__name__)
        return f"{own} {inner}"

    def _further(self) -> dict[str, float]:
        """Parameters after the first that are not at their defaults."""
        parameters = list(inspect.signature(type(self)).parameters.values())[1:]
        given = {each.name: getattr(self, each.name) for each in parameters}
        given.pop("sampler", None)
        return {
            each.name: given[each.name]
            for each in parameters
            if each.name in given and given[each.name] != each.default
        }


def short(value: float) -> str:
    """The shortest text that reads back as `value`: 1, not 1.0."""
    return repr(float(value)).removesuffix(".0")


def _split(state: State | None) -> tuple[Any, State | None]:
    return (None, None) if state is None else (state[0], state[1:])


def checked(logits: Tensor) -> Tensor:
    """Logits [..., V] in float64. Raises ValueError unless each row is a distribution.

    Not on a GPU, where to ask is to wait for it, at every step: there whoever writes texts looks at
    their probabilities afterwards.
    """
    logits = logits.double()
    if logits.is_cuda:
        return logits
    if logits.isnan().any():
        raise ValueError("logits hold NaN: the model that made them has diverged")
    largest = logits.amax(-1)
    if (largest == torch.inf).any():
        raise ValueError("logits hold +inf: only finite values and -inf (never chosen) have a law")
    if (largest == -torch.inf).any():
        raise ValueError("a row of logits is -inf throughout: there is no character to choose")
    return logits


def draw(probabilities: Tensor, noise: Tensor) -> Tensor:
    """Inverse transform sampling: the first id whose cumulative probability exceeds the noise.

    Probabilities [..., V] in float64 (they need not sum to one exactly), noise [...] in [0, 1). An
    id of probability zero is never chosen: its cumulative sum is that of the id before it.
    """
    cumulative = running_sum(probabilities)
    # The largest float64 below one times the sum rounds to less than the sum: no id past the last.
    target = noise.to(cumulative.dtype)[..., None] * cumulative[..., -1:]
    found = torch.searchsorted(cumulative, target, right=True).squeeze(-1)
    # Of NaN, which a GPU is not asked about in time, the id would lie past the last.
    return found.clamp(max=probabilities.size(-1) - 1)


def running_sum(x: Tensor) -> Tensor:
    """The sums of x [..., V] (none below zero) up to each place; zeros leave a sum as it was."""
    return product_sum(x) if x.is_cuda else x.cumsum(-1)


def product_sum(x: Tensor) -> Tensor:
    """`running_sum` by a product with a triangle of ones: torch has no deterministic cumsum on a
    GPU. Its sums round each for itself, so where zero is added the sum before is taken."""
    ones = torch.ones(x.size(-1), x.size(-1), dtype=x.dtype, device=x.device)
    return torch.where(x > 0, x @ ones.triu(), 0.0).cummax(-1).values


def descending(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Logits sorted from the largest, and their ids; of equal logits the lower id comes first.

    One order for every sampler, so that greedy, top-k with k = 1 and a nucleus of p towards 0
    choose the same character.
    """
    return torch.sort(logits, dim=-1, descending=True, stable=True)


def keep(logits: Tensor, order: Tensor, kept: Tensor) -> Tensor:
    """-inf for what is not kept; `kept` [..., V] is in the sequence of `order` [..., V]."""
    if logits.is_cuda:  # its deterministic scatter may wait for the device
        mask = kept.gather(-1, order.argsort(-1))
    else:
        mask = torch.zeros_like(kept).scatter(-1, order, kept)
    return logits.masked_fill(~mask, -torch.inf)


def at_least(logits: Tensor, passes: Tensor) -> Tensor:
    """-inf for what does not pass [..., V]; the largest logits stay: something must be left.

    The rule of thresholds: equal logits share their fate, where a rule that counts characters (top
    k) or sums their mass (nucleus) keeps those with the lower ids.
    """
    best = logits == logits.amax(-1, keepdim=True)
    return logits.masked_fill(~(passes | best), -torch.inf)


def entropy(logits: Tensor) -> Tensor:
    """-sum p ln p of the softmax of logits [..., V], in nats, [..., 1]."""
    return torch.special.entr(torch.softmax(logits, dim=-1)).sum(-1, keepdim=True)
