"""What all samplers share: checked logits, the exact distribution, and drawing from it.

Shapes: logits and probabilities [..., V], noise and ids [...].
"""

from __future__ import annotations

from abc import abstractmethod

import labml_nn.sampling
import torch
from torch import Tensor


class Sampler(labml_nn.sampling.Sampler):
    """Maps logits to a character, through a distribution that can be had exactly.

    A sampler warps the logits and hands them to an inner one: in
    `TopKSampler(5, TemperatureSampler(0.7))` the cut comes first and what is left is tempered.
    Without an inner sampler the character is drawn from the warped logits. The inner one may be any
    labml_nn sampler, or any callable from logits to ids; the whole then has no `distribution`.
    """

    name: str
    """The parameter's name in a config, and in the label."""

    def __init__(self, sampler: labml_nn.sampling.Sampler | None = None) -> None:
        self.sampler = sampler

    @abstractmethod
    def warp(self, logits: Tensor) -> Tensor:
        """This sampler's own change of float64 logits [..., V]: -inf is probability zero."""

    def distribution(self, logits: Tensor) -> Tensor:
        """The exact probabilities [..., V], float64, of each character's being chosen.

        Raises ValueError for logits that are no distribution (NaN, +inf, or nothing but -inf), and
        TypeError when an inner sampler is not one of ours.
        """
        warped = self.warp(checked(logits))
        if self.sampler is None:
            return torch.softmax(warped, dim=-1)
        if not isinstance(self.sampler, Sampler):
            raise TypeError(
                f"{type(self.sampler).__name__} maps logits to ids and has no exact distribution"
            )
        return self.sampler.distribution(warped)

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
        """The name under which results stand: the parameters in the order of their application."""
        own = self.name if self.value is None else f"{self.name}={short(self.value)}"
        if self.sampler is None:
            return own
        inner = getattr(self.sampler, "label", type(self.sampler).__name__)
        return f"{own} {inner}"


def short(value: float) -> str:
    """The shortest text that reads back as `value`: 1, not 1.0."""
    return repr(float(value)).removesuffix(".0")


def checked(logits: Tensor) -> Tensor:
    """Logits [..., V] in float64. Raises ValueError unless each row is a distribution."""
    logits = logits.double()
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
    cumulative = probabilities.cumsum(-1)
    # The largest float64 below one times the sum rounds to less than the sum: no id past the last.
    target = noise.to(cumulative.dtype)[..., None] * cumulative[..., -1:]
    return torch.searchsorted(cumulative, target, right=True).squeeze(-1)


def descending(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Logits sorted from the largest, and their ids; of equal logits the lower id comes first.

    One order for every sampler, so that greedy, top-k with k = 1 and a nucleus of p towards 0
    choose the same character.
    """
    return torch.sort(logits, dim=-1, descending=True, stable=True)


def keep(logits: Tensor, order: Tensor, kept: Tensor) -> Tensor:
    """-inf for what is not kept; `kept` [..., V] is in the sequence of `order` [..., V]."""
    mask = torch.zeros_like(kept).scatter(-1, order, kept)
    return logits.masked_fill(~mask, -torch.inf)
