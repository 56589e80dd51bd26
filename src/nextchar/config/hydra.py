"""From Hydra's composed config to the dataclasses, and to YAML and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.version import VersionBase
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nextchar.config.plugins import load_plugins
from nextchar.config.schema import Config
from nextchar.config.validation import ConfigError

PARTS: dict[str, type] = {
    name: kind
    for name, kind in get_type_hints(Config).items()
    if isinstance(kind, type) and is_dataclass(kind)
}
"""The groups of keys, as Config names them."""
USER_ERRORS: tuple[type[Exception], ...] = (ConfigError, HydraException, OmegaConfBaseException)
"""What composing and resolving a config raise where the user gave something wrong."""


def register() -> None:
    """Make the dataclasses the schemas of `conf/`: unknown keys and wrong types are errors there.

    The classes hold no defaults: those stand in `conf/`, once, each with its comment.
    """
    schema = OmegaConf.structured(Config)
    # A frozen dataclass becomes a read-only config, which Hydra could not override.
    OmegaConf.set_readonly(schema, None)
    for name, part in PARTS.items():
        schema[name] = OmegaConf.structured(part)
        OmegaConf.set_readonly(schema[name], None)
    ConfigStore.instance().store(name="schema", node=schema)


def resolve(composed: DictConfig) -> Config:
    """A composed Hydra config as validated dataclasses.

    Raises ConfigError for a missing or impossible value, in one line.
    """
    missing = sorted(OmegaConf.missing_keys(composed))
    if missing:
        raise ConfigError(f"{missing[0]}=???: has no default: set it")
    for part, known in {"": Config, **PARTS}.items():
        given = composed[part] if part else composed
        names = {each.name for each in fields(known)}
        for name in (str(key) for key in given if key not in names):
            key = f"{part}.{name}" if part else name
            raise ConfigError(f"{key}={given[name]}: there is no such key; --help shows them all")
    load_plugins([str(name) for name in composed.plugins])  # before their names are checked
    config = OmegaConf.to_object(composed)
    assert isinstance(config, Config)
    return config


def compose(*overrides: str) -> Config:
    """The config that the command line would make of these overrides.

    Raises ConfigError, in one line, for what can't be composed. Hydra's global state is afterwards
    what it was before, so that this works within another program's Hydra application.
    """
    with _own_hydra():
        register()
        try:
            with hydra.initialize_config_module("nextchar.conf", version_base="1.3"):
                composed = hydra.compose("config", overrides=list(overrides))
            return resolve(composed)
        except ConfigError:
            raise
        # What Hydra can't compose is at times a bare ValueError (`training=null`).
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            raise ConfigError(one_line(error)) from error


@contextmanager
def _own_hydra() -> Iterator[None]:
    """Inside, Hydra is not initialised; afterwards its global state is restored."""
    instance, version, store = GlobalHydra(), VersionBase(), ConfigStore.instance()  # singletons
    initialised, base, schemas = instance.hydra, version.version_base, dict(store.repo)
    instance.clear()
    try:
        yield
    finally:
        GlobalHydra.set_instance(instance)  # Hydra's own way back leaves a copy of it
        instance.hydra, version.version_base, store.repo = initialised, base, schemas


def one_line(error: BaseException) -> str:
    """An error of the user as one line, also where Hydra's message has several."""
    if isinstance(error, OverrideParseException):
        reason = str(error).partition("\nSee ")[0].replace("\n", ": ")
        return f"{error.override}: {reason}; special characters need quotes: 'key=\"value\"'"
    if isinstance(error, MissingConfigException) and error.options:
        return f"{_first_line(error)}; there are {', '.join(error.options)}"
    if isinstance(error, HydraException) and error.__cause__ is not None:
        return f"{_first_line(error)}: {_first_line(error.__cause__)}"
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")


def to_yaml(config: Config) -> str:
    """The config as it stands in config.yaml of a run."""
    return OmegaConf.to_yaml(OmegaConf.create(asdict(config)))


def read_yaml(path: Path) -> dict[str, Any]:
    """config.yaml of a run, as plain dicts."""
    plain = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
