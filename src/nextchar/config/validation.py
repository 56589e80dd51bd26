"""Keys that know their meaning and their bounds; a value outside of them is one line."""

from __future__ import annotations

import operator
from dataclasses import MISSING, dataclass, field, fields
from functools import partial
from typing import Any, ClassVar

REQUIRED: Any = MISSING
"""In place of a default: the key has to be set."""

LARGEST = 1e9
"""Of rates, decays and caps: far past any use, and products of two stay within float32."""

CHECKS = {
    "at_least": operator.ge,
    "above": operator.gt,
    "at_most": operator.le,
    "below": operator.lt,
}


class ConfigError(ValueError):
    """A value that the user gave can't be used; the message names key, value, bound and remedy."""


def require(holds: bool, key: str, value: object, bound: str) -> None:
    """Raise ConfigError for the value of a key unless the condition holds."""
    if not holds:
        raise ConfigError(f"{key}={value}: {bound}")


def setting(
    default: Any, meaning: str, *choices: str, scientific: bool = True, **bounds: float
) -> Any:
    """A key of a section: its default, its meaning as --help shows it, and which values it takes.

    `choices` are all its values. `bounds` are at_least, above, at_most, below; of a list they hold
    for every item. NaN is outside of any bound. `scientific=False` says that the key changes how a
    run is done and not what comes out: it is left out of the identities.
    """
    assert bounds.keys() <= CHECKS.keys()
    known = {"meaning": meaning, "choices": choices, "bounds": bounds, "scientific": scientific}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=known)
    return field(default=default, metadata=known)


count = partial(setting, at_least=1, at_most=10**9)
share = partial(setting, at_least=0, below=1)
rate = partial(setting, above=0, at_most=LARGEST)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A group of keys, each declared by `setting`. Raises ConfigError for a value out of bounds."""

    section: ClassVar[str] = ""
    """What stands before the dot of its keys."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is None:
                continue
            choices, bounds = each.metadata.get("choices"), each.metadata.get("bounds", {})
            if choices:
                self.require(value in choices, each.name, f"must be one of {', '.join(choices)}")
            items = value if isinstance(value, (list, tuple)) else [value]
            allowed = [f"{name.replace('_', ' ')} {bound:,}" for name, bound in bounds.items()]
            self.require(
                all(CHECKS[name](item, bound) for item in items for name, bound in bounds.items()),
                each.name,
                f"must be {' and '.join(allowed)}",
            )

    def require(self, holds: bool, name: str, bound: str) -> None:
        """Raise ConfigError for the value of the key `name` unless the condition holds."""
        require(holds, f"{self.section}.{name}".removeprefix("."), getattr(self, name), bound)
