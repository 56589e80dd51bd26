"""nextchar: how should the next character be chosen?

A reproducible experiment: train a small transformer, then compare ways of sampling from it.

    import nextchar

    run = nextchar.run("experiment=smoke", "seed=1")  # computed, or read back if it is finished
    run  # in a notebook: the comparison as a table
    run.metrics.to_pandas()

The names in `__all__` are the public ones. Each is imported at its first use, so that
`import nextchar` alone loads neither torch nor Hydra. docs/architecture.md shows the rooms.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextchar.api import Run, read_run, run
    from nextchar.config import ConfigError
    from nextchar.samplers import Sampler

__version__ = "0.1.0"

__all__ = ["ConfigError", "Run", "Sampler", "read_run", "run"]

_MODULES = {
    "ConfigError": "nextchar.config",
    "Run": "nextchar.api",
    "Sampler": "nextchar.samplers",
    "read_run": "nextchar.api",
    "run": "nextchar.api",
}
"""The module of each public name; a new name goes here, into `__all__` and the imports above."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
