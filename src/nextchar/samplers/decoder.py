"""What a comparison can hold: the base of samplers and searches, which names and registers them.

Defining a class with a `name` is all it takes: a config can then say `{name: value}`, and the label
under which its results stand is made of the constructor's parameters.
"""

import inspect
import numbers
import re
import sys
from abc import ABC
from collections.abc import Sequence
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from nextchar.config import ConfigError
from nextchar.config.validation import require

Kind = TypeVar("Kind", bound="Decoder")

LARGEST = 10**9
"""Of whole numbers, penalties and rates: far past any use, and float64 stays finite under it."""


class Decoder(ABC):
    """A way of choosing characters, as it is written in a config and shown in a label.

    The constructor takes the parameters, each kept under its own name (`self.k = k`), and
    `sampler`: the next sampler of a chain, or for a search the samplers before it. It raises
    ConfigError for a parameter out of bounds; defining a class does so if its name is taken or its
    constructor has another form.
    """

    name: ClassVar[str]
    """The key in a config. A helper class that defines none is not registered."""

    rank: ClassVar[int] = 100
    """The place in lists and curves: lower ranks first, equal ranks by name."""

    grid: ClassVar[Sequence[float]] = ()
    """Settings of the first parameter over its useful range, from the surest: as many in every
    family, so that all are tuned alike (decoding=families)."""

    def __init_subclass__(cls, **options: Any) -> None:
        if "grid" not in vars(cls):  # that of another decoder is about another parameter
            cls.grid = ()
        super().__init_subclass__(**options)
        if "name" in vars(cls):
            _register(cls)

    @classmethod
    def parameters(cls) -> dict[str, inspect.Parameter]:
        """What a config can set: the constructor's parameters without `sampler`."""
        signature = inspect.signature(cls).parameters
        return {name: each for name, each in signature.items() if name != "sampler"}

    @property
    def exact(self) -> bool:
        """Whether there is an exact distribution of the next character."""
        return False

    @property
    def label(self) -> str:
        """The name of its results: all samplers and the search, in the order of application."""
        return self.own_label

    @property
    def own_label(self) -> str:
        """`name=first`, then `,parameter=value` for each further one that is not at its default."""
        parts = [self.name]
        for index, (name, parameter) in enumerate(self.parameters().items()):
            if not hasattr(self, name):
                raise ConfigError(
                    f"decoding.samplers: {described(type(self))} must keep its parameter {name} as "
                    f"self.{name}: labels are made of it"
                )
            value = getattr(self, name)
            if index == 0:
                parts[0] += f"={short(value)}"
            elif value != parameter.default:
                parts.append(f"{name}={short(value)}")
        return ",".join(parts)


_registered: list[tuple[type[Decoder], ModuleType | None]] = []
"""Each class with the module object that defined it; a module imported again is a new object."""


def registered(kind: type[Kind]) -> dict[str, type[Kind]]:
    """All classes of a kind by name, in the order of `rank`, without those of replaced modules."""
    found = {
        each.name: each
        for each, module in _registered
        if issubclass(each, kind) and sys.modules.get(each.__module__) is module
    }
    return dict(sorted(found.items(), key=lambda item: (item[1].rank, item[0])))


def _register(cls: type[Decoder]) -> None:
    word = isinstance(cls.name, str) and bool(re.fullmatch(r"[A-Za-z]\w*", cls.name))
    bound = "must be a word of letters, digits and _"
    require(word, f"{described(cls)}: name", repr(cls.name), bound)
    if "sampler" not in inspect.signature(cls.__init__).parameters:
        remedy = "its constructor must take `sampler=None`"
        raise ConfigError(f"{described(cls)}: {remedy} and pass it on: super().__init__(sampler)")
    other = registered(Decoder).get(cls.name)
    if other and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ConfigError(
            f"name={cls.name}: {described(other)} and {described(cls)} have the same name; rename "
            "one, and load a plugin under one name only"
        )
    _registered.append((cls, sys.modules.get(cls.__module__)))


def described(thing: Any) -> str:
    """`class Mine (my_samplers.py)`: a class or function with its file, for errors."""
    kind = "class" if isinstance(thing, type) else "function"
    name = getattr(thing, "__qualname__", type(thing).__qualname__)
    try:
        file = inspect.getsourcefile(thing)
    except TypeError:  # a built-in, or an object that is neither
        file = None
    return f"{kind} {name} ({file or getattr(thing, '__module__', None) or 'built in'})"


def one_line(value: object, most: int = 150) -> str:
    """A value as text for an error: on one line, and not longer than `most` characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def short(value: object) -> str:
    """A parameter in a label: the shortest text that reads back as the number (1, not 1.0)."""
    if isinstance(value, numbers.Real):
        return repr(float(value)).removesuffix(".0")
    return "null" if value is None else "".join(str(value).split())


def whole(key: str, value: float, least: int = 1, most: int = LARGEST) -> int:
    """The value as an int. Raises ConfigError unless it is whole and from `least` to `most`."""
    inside = least <= value <= most  # false for NaN; checked first because int(inf) raises
    bound = f"must be a whole number from {least} to {most:,}"
    if -1 <= value <= 0:  # as other programs write it
        bound += "; to switch it off, leave it out"
    require(inside and value == int(value), key, value, bound)
    return int(value)
