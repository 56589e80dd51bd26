"""What a key's value must be, said in one line where it isn't."""

from __future__ import annotations

import math

LARGEST_RATE = 1e9
"""Of a learning rate or decay: far past any use, and products of two stay within float32."""


class ConfigError(ValueError):
    """A value that the user gave can't be used; the message names key, value, bound and remedy."""


def require(holds: bool, key: str, value: object, bound: str) -> None:
    if not holds:
        raise ConfigError(f"{key}={value}: {bound}")


def at_least(least: float, key: str, value: float) -> None:
    require(math.isfinite(value) and value >= least, key, value, f"must be at least {least}")


def positive(key: str, value: float) -> None:
    require(math.isfinite(value) and value > 0, key, value, "must be greater than 0")


def bounded(key: str, value: float) -> None:
    require(value <= LARGEST_RATE, key, value, f"must be at most {LARGEST_RATE:g}")


def one_of(choices: tuple[str, ...], key: str, value: str) -> None:
    require(value in choices, key, value, f"must be one of {', '.join(choices)}")
