"""Samplers made elsewhere: any callable from logits [R, V] to ids [R] takes part in a comparison.

What it does to the distribution is not known, so its entropy and kept characters are left out, and
the table says so. It draws from torch's global generator, which is seeded from the noise of the
row and the step, one row at a time: the text is reproducible, and does not depend on its
neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from hydra.errors import HydraException
from hydra.utils import instantiate
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.samplers.base import Sampler, short

TARGET = "_target_"


class ThirdPartySampler(Sampler):
    """A callable from logits to ids under a label of its own; it has no exact distribution."""

    name = "third_party"

    def __init__(self, choose: Callable[[Tensor], Tensor], label: str) -> None:
        super().__init__(None)
        self._choose, self._label = choose, label

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> ThirdPartySampler:
        """From `{_target_: package.Class, parameter: value}`, nested at will.

        Raises ConfigError when it can't be made, or can't be called.
        """
        try:
            made = instantiate(dict(spec))
        except HydraException as error:
            root: BaseException = error
            while root.__cause__ is not None:
                root = root.__cause__
            reason = str(root).strip().splitlines()[0]
            raise ConfigError(
                f"decoding.samplers: {spec[TARGET]} could not be made: {reason}"
            ) from None
        if not callable(made):
            raise ConfigError(
                f"decoding.samplers: {spec[TARGET]}: must make a callable from logits to ids"
            )
        return cls(made, _label(spec))

    @property
    def label(self) -> str:
        return self._label

    @property
    def exact(self) -> bool:
        return False

    def warp(self, logits: Tensor) -> Tensor:
        """Raises TypeError: what it does to the logits is not known."""
        raise TypeError(f"{self.label} maps logits to ids and has no exact distribution")

    def __call__(self, logits: Tensor, noise: Tensor | None = None) -> Tensor:
        return self._choose(logits)


def choose(sampler: Sampler, logits: Tensor, noise: Tensor) -> Tensor:
    """Ids [R] from logits [R, V] by a sampler without a distribution; noise [R] in [0, 1).

    Each row is seeded by its own noise, and torch's generators are left as they were. A row that
    repeats the one before it, as those that fill a block do, is not asked again. Raises ConfigError
    for an answer that is no id.
    """
    devices = [logits.device] if logits.is_cuda else []
    ids = torch.empty_like(noise, dtype=torch.long)
    seeds = (noise.double() * 2.0**53).long().tolist()
    repeated = torch.cat((noise.new_zeros(1), (logits[1:] == logits[:-1]).all(-1))).tolist()
    with torch.random.fork_rng(devices):
        for row, seed in enumerate(seeds):
            if repeated[row] and seed == seeds[row - 1]:
                ids[row] = ids[row - 1]
                continue
            torch.manual_seed(seed)
            answer = sampler(logits[row : row + 1])
            if answer.numel() != 1 or not 0 <= int(answer) < logits.size(-1):
                raise ConfigError(
                    f"decoding.samplers: {sampler.label} returned {answer.tolist()} for one row of "
                    f"logits; an id below {logits.size(-1)} is needed"
                )
            ids[row] = int(answer)
    return ids


def _label(spec: Mapping[str, Any]) -> str:
    """`labml_nn.TopKSampler k=2 labml_nn.TemperatureSampler temperature=1`: no value is lost."""
    path = str(spec[TARGET]).split(".")
    words = [path[0] if len(path) == 1 else f"{path[0]}.{path[-1]}"]
    for name, value in spec.items():
        if isinstance(value, Mapping) and TARGET in value:
            words.append(_label(value))
        elif name != TARGET:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            text = short(value) if number else str(value)
            words.append(f"{name}={text}".replace(" ", ""))
    return " ".join(words)
