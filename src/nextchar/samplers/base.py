"""The base of samplers: a distribution that is known exactly, and drawing from it.

Shapes: logits and probabilities [..., V], noise and ids [...]; with a memory, R rows. P or T
characters of a prompt, T of a text.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, TypeAlias

import labml_nn.sampling
import torch
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.samplers.decoder import Decoder
from nextchar.samplers.operations import checked, draw

State = tuple[Any, ...]
"""The memory of each sampler of a chain, the outermost first; None for one without a memory."""

Inner: TypeAlias = labml_nn.sampling.Sampler | None
"""The sampler that is applied next: any of ours, of labml_nn, or a callable from logits to ids."""


class Sampler(Decoder, labml_nn.sampling.Sampler):
    """Maps logits to a character, through a distribution that is known exactly.

    A sampler warps the logits and passes them to an inner one: `TopKSampler(5,
    TemperatureSampler(0.7))` cuts first and then tempers what is left. Without an inner sampler the
    character is drawn from the softmax of the warped logits.
    """

    stateful: ClassVar[bool] = False
    """Whether warping depends on what a row has read, and not on the logits alone."""

    state_uses_logits: ClassVar[bool] = False
    """Whether the memory depends on the logits, and not on the chosen ids alone."""

    def __init__(self, sampler: Inner = None) -> None:
        self.sampler = sampler

    @abstractmethod
    def warp(self, logits: Tensor) -> Tensor:
        """This sampler's own change of float64 logits [..., V]; -inf is probability zero."""

    def warp_after(self, logits: Tensor, memory: Any) -> Tensor:
        """The warp of rows with this memory; without one, `warp`."""
        return self.warp(logits)

    def remember(self, prompts: Tensor) -> Any:
        """This sampler's own memory of rows that have read prompts [R, T]."""

    def update(self, memory: Any, logits: Tensor, ids: Tensor) -> Any:
        """The memory after `ids` [R] were chosen where the logits were [R, V]."""
        return memory

    @property
    def chain(self) -> list[Sampler]:
        """This sampler and those that are applied after it, as far as they are ours."""
        return [self, *(self.sampler.chain if isinstance(self.sampler, Sampler) else ())]

    @property
    def label(self) -> str:
        if self.sampler is None:
            return self.own_label
        return f"{self.own_label} {getattr(self.sampler, 'label', type(self.sampler).__name__)}"

    @property
    def exact(self) -> bool:
        """Whether there is a `distribution`: every sampler of the chain is one of ours."""
        return self.sampler is None or getattr(self.sampler, "exact", False)

    @property
    def has_memory(self) -> bool:
        """Whether a sampler of the chain is stateful."""
        return any(each.stateful for each in self.chain)

    @property
    def has_feedback(self) -> bool:
        """Whether a sampler of the chain corrects itself by what it chose, as Mirostat does. Along
        a text that another has written such a memory runs away: nothing there obeys it."""
        return any(each.state_uses_logits for each in self.chain)

    def distribution(self, logits: Tensor, state: State | None = None) -> Tensor:
        """The exact probabilities [..., V], float64, with which each character is chosen.

        Samplers with a memory take logits [R, V] and the `state` of their rows. Raises ConfigError
        for logits, given or warped, that are no distribution (NaN, +inf, or nothing but -inf), and
        TypeError when an inner sampler is not one of ours, or a state is needed and missing.
        """
        memory, *rest = state or (None,)
        return self.inner_distribution(self.warped(checked(logits), memory), tuple(rest) or None)

    def inner_distribution(self, warped: Tensor, rest: State | None) -> Tensor:
        """The distribution of what is applied to the warped logits; `rest` is its state."""
        warped = checked(warped, getattr(self, "name", type(self).__name__))
        if self.sampler is None:
            return torch.softmax(warped, dim=-1)
        if not isinstance(self.sampler, Sampler):
            name = type(self.sampler).__name__
            raise TypeError(f"{name} maps logits to ids and has no exact distribution")
        return self.sampler.distribution(warped, rest)

    def start(self, prompts: Tensor) -> State:
        """The state of rows that have read prompts [R, T] and written nothing yet."""
        return tuple(each.remember(prompts) for each in self.chain)

    def advance(self, state: State, logits: Tensor, ids: Tensor) -> State:
        """The state after `ids` [R] were chosen where the logits were [R, V]; `state` stays."""
        memory, *rest = state
        logits = checked(logits)
        following = self.update(memory, logits, ids)
        if not isinstance(self.sampler, Sampler):
            return (following,)
        return (following, *self.sampler.advance(tuple(rest), self.warped(logits, memory), ids))

    def along(self, logits: Tensor, prompts: Tensor, ids: Tensor) -> Tensor:
        """The distributions [R, T, V] before each of ids [R, T], which follow prompts [R, P], where
        the model's logits are [R, T, V]: a memory is that of the text so far, whoever wrote it."""
        if not self.has_memory:
            return self.distribution(logits.flatten(0, 1)).unflatten(0, ids.shape)
        state, columns = self.start(prompts), []
        for given, chosen in zip(logits.unbind(1), ids.unbind(1), strict=True):
            columns.append(self.distribution(given, state))
            state = self.advance(state, given, chosen)
        return torch.stack(columns, dim=1)

    def require_exact(self) -> None:
        """Raises ConfigError when what is applied next has no exact distribution."""
        if not self.exact:
            raise ConfigError(
                f"{self.name}: the sampler after it has no exact distribution; remove {self.name}"
            )

    def warped(self, logits: Tensor, memory: Any) -> Tensor:
        return self.warp(logits) if memory is None else self.warp_after(logits, memory)

    def __call__(self, logits: Tensor, noise: Tensor | None = None) -> Tensor:
        """Choose an id for each row of logits under noise in [0, 1), by default from torch's
        global generator, as labml_nn's samplers do."""
        if self.sampler is not None and not self.exact:
            chosen: Tensor = self.sampler(self.warp(checked(logits)))
            return chosen
        if noise is None:
            noise = torch.rand(logits.shape[:-1], dtype=torch.float64, device=logits.device)
        return draw(self.distribution(logits), noise)


class StatefulSampler(Sampler):
    """A sampler with a memory, which is passed in and returned, and never changed in place.

    `state = start(prompts)`, then alternating `distribution(logits, state)` and
    `state = advance(state, logits, ids)`.
    """

    stateful = True

    def __init__(self, sampler: Inner = None) -> None:
        super().__init__(sampler)
        self.require_exact()

    def warp(self, logits: Tensor) -> Tensor:
        """Raises TypeError: the logits alone don't say what was read."""
        raise TypeError(f"{self.name} remembers: pass the state that start(prompts) returns")

    @abstractmethod
    def warp_after(self, logits: Tensor, memory: Any) -> Tensor:
        """This sampler's own change of float64 logits [R, V], given its memory of the rows."""

    @abstractmethod
    def remember(self, prompts: Tensor) -> Any: ...

    @abstractmethod
    def update(self, memory: Any, logits: Tensor, ids: Tensor) -> Any: ...
