"""Samplers named by `_target_`: a class of ours or of a user, or any callable from logits to ids.

What a callable does to the distribution is not known, so its entropy and support size are left out,
and the table says so. It draws from torch's global generator, which is seeded from the noise of the
row and the step, one row at a time: the text is reproducible and does not depend on its neighbours.
"""

import functools
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

import torch
from hydra.utils import instantiate
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.config.plugins import current_folder
from nextchar.samplers.base import Sampler
from nextchar.samplers.decoder import described, one_line, registered, short

TARGET = "_target_"


class ExternalSampler(Sampler):
    """A callable from logits to ids under a label of its own; it has no exact distribution."""

    def __init__(self, function: Callable[[Tensor], Tensor], label: str) -> None:
        super().__init__(None)
        self.function, self._label = function, label

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
        return self.function(logits)


def build_target(spec: Mapping[str, Any], build: Callable[[Any], Sampler]) -> Sampler:
    """From `{_target_: package.Class, parameter: value}`; parameters may be such mappings.

    The argument `sampler` of one of our own, applied after it, is made by `build`. Raises
    ConfigError for what can't be made, or can't be called.
    """
    path, arguments = spec[TARGET], dict(spec)
    try:
        with current_folder():
            found = pkgutil.resolve_name(str(path))
            if isinstance(found, type) and issubclass(found, Sampler):
                if arguments.get("sampler") is not None:
                    arguments["sampler"] = build(arguments["sampler"])
                if registered(Sampler).get(getattr(found, "name", "")) is not found:
                    raise ConfigError('give the class a name of its own: name = "mine"')
            made = instantiate(arguments)
    except (Exception, SystemExit) as error:
        reason = _reason(error)
        raise ConfigError(f"decoding.samplers: {path} could not be made: {reason}") from None
    if isinstance(made, Sampler):
        return made
    if not callable(made):
        raise ConfigError(
            f"decoding.samplers: {path}: must be a sampler, or make a callable from logits to ids"
        )
    return ExternalSampler(made, _label(spec))


def _reason(error: BaseException) -> str:
    """The first cause in one line: Hydra wraps it."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ConfigError):
        return str(error).removeprefix("decoding.samplers: ")
    return f"{type(error).__name__}: {one_line(error)}"


def source(sampler: Sampler) -> str:
    """The class of a sampler, or its callable where it is external, with its file: for errors."""
    found: Any = sampler.function if isinstance(sampler, ExternalSampler) else type(sampler)
    while isinstance(found, functools.partial):
        found = found.func
    return described(found if hasattr(found, "__qualname__") else type(found))


def choose(sampler: Sampler, logits: Tensor, noise: Tensor) -> Tensor:
    """Ids [R] from logits [R, V] by a sampler without a distribution; noise [R] in [0, 1).

    Each row is seeded by its own noise, and torch's generators are restored afterwards. A row that
    repeats the one before it, as those that fill a block do, is not asked again. Raises ConfigError
    for an answer that is not one id.
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
            ids[row] = _checked_id(sampler, sampler(logits[row : row + 1]), logits.size(-1))
    return ids


def _checked_id(sampler: Sampler, answer: object, vocabulary: int) -> int:
    if (
        isinstance(answer, Tensor)
        and answer.numel() == 1
        and answer.dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
        and 0 <= int(answer) < vocabulary
    ):
        return int(answer)
    shown = one_line(answer.tolist() if isinstance(answer, Tensor) else answer, 60)
    raise ConfigError(
        f"decoding.samplers: {sampler.label}: {source(sampler.chain[-1])} returned {shown} for one "
        "row of logits; it must return a tensor with one whole id per row, "
        f"from 0 to {vocabulary - 1}"
    )


def _label(spec: Mapping[str, Any]) -> str:
    """`labml_nn.TopKSampler k=2 labml_nn.TemperatureSampler temperature=1`: with every value."""
    path = str(spec[TARGET]).split(".")
    words = [path[0] if len(path) == 1 else f"{path[0]}.{path[-1]}"]
    for name, value in spec.items():
        if isinstance(value, Mapping) and TARGET in value:
            words.append(_label(value))
        elif name != TARGET:
            words.append(f"{name}={short(value)}")
    return " ".join(words)
