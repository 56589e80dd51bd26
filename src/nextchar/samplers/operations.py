"""What samplers have in common: checked logits, orders, masks, and drawing an id.

Shapes: logits and probabilities [..., V], noise and ids [...].
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.config import ConfigError


def checked(logits: Tensor, of: str = "the model") -> Tensor:
    """Logits [..., V] in float64. Raises ConfigError unless each row is a distribution.

    `of` is who made them. Skipped on a GPU, where the check would synchronise at every step: the
    engine checks for NaN at the end.
    """
    logits = logits.double()
    if logits.is_cuda:
        return logits
    if logits.isnan().any():
        raise ConfigError(f"the logits of {of} hold NaN: it has diverged, or divides 0 by 0")
    largest = logits.amax(-1)
    if (largest == torch.inf).any():
        raise ConfigError(f"the logits of {of} hold +inf, which has no softmax; finite ones do")
    if (largest == -torch.inf).any():
        raise ConfigError(
            f"the logits of {of} are -inf throughout: there is no character to choose"
        )
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
    # NaN, which is not checked on a GPU, would give an id past the last.
    return found.clamp(max=probabilities.size(-1) - 1)


def running_sum(x: Tensor) -> Tensor:
    """Cumulative sums of x [..., V], which is not negative; adding a zero leaves a sum as it is."""
    return product_sum(x) if x.is_cuda else x.cumsum(-1)


def product_sum(x: Tensor) -> Tensor:
    """`running_sum` as a matrix product: torch has no deterministic cumsum on a GPU.

    Each of these sums is rounded on its own, so where x is zero the sum before it is taken.
    """
    ones = torch.ones(x.size(-1), x.size(-1), dtype=x.dtype, device=x.device)
    return torch.where(x > 0, x @ ones.triu(), 0.0).cummax(-1).values


def descending(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Logits sorted from the largest, and their ids; of equal logits the lower id comes first.

    All samplers use this order, so that greedy, top-k with k = 1 and a nucleus with p near 0 choose
    the same character.
    """
    return torch.sort(logits, dim=-1, descending=True, stable=True)


def keep(logits: Tensor, order: Tensor, kept: Tensor) -> Tensor:
    """-inf for what is not kept; `kept` [..., V] is in the sequence of `order` [..., V]."""
    if logits.is_cuda:  # the deterministic scatter of a GPU may wait for the device
        mask = kept.gather(-1, order.argsort(-1))
    else:
        mask = torch.zeros_like(kept).scatter(-1, order, kept)
    return logits.masked_fill(~mask, -torch.inf)


def keep_mass(logits: Tensor, order: Tensor, probabilities: Tensor, mass: float) -> Tensor:
    """-inf for characters before which, along `order`, others already hold the mass.

    `probabilities` [..., V] are in the sequence of `order` [..., V].
    """
    mass_before = F.pad(running_sum(probabilities)[..., :-1], (1, 0))
    return keep(logits, order, mass_before < mass)


def at_least(logits: Tensor, passes: Tensor) -> Tensor:
    """-inf for what does not pass [..., V]; the largest logits always stay.

    The tie rule of thresholds: equal logits are kept or cut together. Rules that count characters
    (top k) or add up their mass (nucleus) keep those with the lower ids.
    """
    best = logits == logits.amax(-1, keepdim=True)
    return logits.masked_fill(~(passes | best), -torch.inf)


def entropy(logits: Tensor) -> Tensor:
    """-sum p ln p of the softmax of logits [..., V], in nats, [..., 1]."""
    return torch.special.entr(torch.softmax(logits, dim=-1)).sum(-1, keepdim=True)
