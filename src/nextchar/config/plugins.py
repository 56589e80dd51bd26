"""Plugins: the user's own modules, imported before anything else so that what they define is known.

`plugins: [my_samplers, path/to/file.py]` names modules that Python finds, from the current folder
too, or files. Importing one registers the samplers, metrics, plots and models that it defines.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from nextchar.config.validation import ConfigError


@dataclass(frozen=True)
class Plugin:
    """A loaded plugin as the manifest records it; `sha256` is of its file, or of its package's."""

    name: str
    path: str
    sha256: str


importing: ContextVar[str | None] = ContextVar("importing", default=None)
"""The plugin that is being imported, by the name that the config gave: it owns what is defined."""

_loaded: dict[str, tuple[ModuleType, str]] = {}
"""Module and sha256 by the name that the config gave, for this process."""


def load_plugins(names: Sequence[str]) -> list[Plugin]:
    """Import each plugin, again where its file has changed since.

    Raises ConfigError, in one line, for a plugin that can't be found or fails while it is imported.
    """
    loaded = []
    for name in names:
        path = _find(name)
        sha256 = _sha256(path)
        if _loaded.get(name, (None, ""))[1] != sha256:
            _loaded[name] = (_import(name, path), sha256)
        loaded.append(Plugin(name, str(path), sha256))
    return loaded


def load_used(plugins: Sequence[str], samplers: Sequence[Any]) -> list[Plugin]:
    """Import the plugins, and the user's own modules that `_target_` of a sampler names.

    Raises ConfigError, in one line, for one that can't be found or fails while it is imported.
    """
    own = {_own_module(target) for target in _targets(samplers)} - {None, *plugins}
    loaded = load_plugins(plugins)
    try:
        return loaded + load_plugins(sorted(filter(None, own)))
    except ConfigError as error:
        reason = str(error).removeprefix("plugins: ")
        raise ConfigError(f"decoding.samplers: {reason}") from error


def _targets(value: Any) -> Iterator[str]:
    """What each `_target_` in a config names, at any depth."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield str(value["_target_"])
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _targets(each)


def _own_module(target: str) -> str | None:
    """The module or package of the user that `package.Class` lies in; None where it is installed,
    or can't be found."""
    name = ""
    for part in target.split("."):
        name = f"{name}.{part}".removeprefix(".")
        try:
            with current_folder():
                found = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        if found is None or name in (__package__.partition(".")[0], "builtins"):
            return None
        if found.origin is not None:  # without, it is a folder of further packages
            path = Path(found.origin)
            standard = path.is_relative_to(sysconfig.get_path("stdlib"))
            installed = standard or {"site-packages", "dist-packages"} & set(path.parts)
            return None if installed or not path.is_file() else name
    return None


def plugin_of(defined: type) -> Plugin | None:
    """The loaded plugin whose module, or package, a class is defined in."""
    for name, (module, sha256) in _loaded.items():
        if f"{defined.__module__}.".startswith(f"{module.__name__}."):
            return Plugin(name, str(_find(name)), sha256)
    return None


def _find(name: str) -> Path:
    """The plugin's file; for a package that of its __init__."""
    if name.endswith(".py"):
        path = Path(name).expanduser().absolute()
        if not path.is_file():
            raise ConfigError(f"plugins: {name}: no such file; name a Python file or a module")
        return path
    try:
        with current_folder():
            found = importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"plugins: {name}: {error}; name a module, or a file as my.py") from None
    if found is None or found.origin is None:
        raise ConfigError(
            f"plugins: {name}: not found in {Path.cwd()}, nor where Python looks; name a module, "
            "or a file as path/to/my.py"
        )
    return Path(found.origin)


def _import(name: str, path: Path) -> ModuleType:
    module_name = name
    if name.endswith(".py"):
        # The folder stands in the name, so that two files called my.py are two modules.
        folder = hashlib.sha256(str(path.parent).encode()).hexdigest()[:8]
        module_name = f"nextchar_plugin_{folder}_{path.stem}"
    found = importlib.util.spec_from_file_location(
        module_name,
        path,
        submodule_search_locations=[str(path.parent)] if path.name == "__init__.py" else None,
    )
    if found is None or found.loader is None:
        raise ConfigError(f"plugins: {name}: {path} is not a Python file")
    module = importlib.util.module_from_spec(found)
    before = sys.modules.get(module_name)
    for own in [each for each in sys.modules if each.startswith(f"{module_name}.")]:
        del sys.modules[own]  # the other files of a package may have changed as well
    sys.modules[module_name] = module
    owner = importing.set(name)
    try:
        with current_folder():
            found.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        if before is not None:
            sys.modules[module_name] = before
        raise ConfigError(f"plugins: {name}: {in_one_line(error, path)}") from error
    finally:
        importing.reset(owner)
    return module


def in_one_line(error: Exception, path: Path) -> str:
    """The error in one line, with the plugin's line that raised it."""
    if isinstance(error, ConfigError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else own[-1] if own else None
    where = f"{path}, line {line}" if line else str(path)
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message} ({where})"


@contextmanager
def current_folder() -> Iterator[None]:
    """Inside, modules are found in the current folder too, as `python -m` finds them."""
    here = str(Path.cwd())
    importlib.invalidate_caches()  # its files may be a moment old
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    whole = path.name == "__init__.py"
    for file in sorted(path.parent.rglob("*.py")) if whole else [path]:
        digest.update(file.relative_to(path.parent).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
