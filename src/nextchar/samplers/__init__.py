"""Ways of choosing the next character; they compose by wrapping one another.

Every module of this folder is imported, and each sampler in it can be imported from here:
`from nextchar.samplers import TopKSampler`. A new file is found without being listed.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from nextchar.samplers.base import Sampler as Sampler
from nextchar.samplers.base import State as State
from nextchar.samplers.base import StatefulSampler as StatefulSampler
from nextchar.samplers.decoder import Decoder as Decoder
from nextchar.samplers.decoder import registered as registered
from nextchar.samplers.external import ExternalSampler as ExternalSampler
from nextchar.samplers.external import choose as choose
from nextchar.samplers.operations import draw as draw
from nextchar.samplers.registry import build as build

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
vars().update({each.__name__: each for each in registered(Sampler).values()})

if TYPE_CHECKING:  # the classes found above

    def __getattr__(name: str) -> Any: ...
