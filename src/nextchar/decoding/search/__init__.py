"""Ways of writing a text that look further than the next character, a file each.

Every module of this folder is imported: a new search is found without being listed.
"""

from importlib import import_module
from pkgutil import iter_modules

from nextchar.decoding.search.base import BlockSearch as BlockSearch
from nextchar.decoding.search.base import Search as Search

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
