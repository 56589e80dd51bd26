"""From Hydra's composed config to the dataclasses, and to YAML and back."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.version import VersionBase
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

from nextchar.config.models import MODEL_KINDS
from nextchar.config.overrides import check, unreadable
from nextchar.config.plugins import load_plugins
from nextchar.config.schema import PARTS, Config
from nextchar.config.validation import ConfigError, Section

USER_ERRORS: tuple[type[Exception], ...] = (ConfigError, HydraException, OmegaConfBaseException)
"""What composing and resolving a config raise where the user gave something wrong."""


def register(overrides: Sequence[str] = ()) -> None:
    """Make the dataclasses the schemas and defaults of `conf/`; each kind of model is a choice.

    Plugins that `overrides` name are loaded first, so that model=NAME finds their models too.
    Raises ConfigError for an override that Hydra would misread.
    """
    check(overrides)
    named = [override for override in overrides if override.startswith("plugins=[")][-1:]
    for override in OverridesParser.create().parse_overrides(named):
        names = override.value()
        load_plugins([str(name) for name in names] if isinstance(names, list) else [])
    schema = _node(Config)
    for name, part in PARTS.items():
        schema[name] = _node(part)
    store = ConfigStore.instance()
    store.store(name="schema", node=schema)
    for kind, keys in MODEL_KINDS.items():
        store.store(group="model", name=kind, node=_node(keys))
    OmegaConf.register_new_resolver("nextchar_keys", _explained, replace=True)


def _node(section: type[Section]) -> DictConfig:
    """A frozen dataclass would become a read-only node, which Hydra could not override."""
    node = OmegaConf.structured(section)
    OmegaConf.set_readonly(node, None)
    return node


def resolve(composed: DictConfig) -> Config:
    """A composed Hydra config as validated dataclasses.

    Raises ConfigError for a missing, unknown or impossible value, in one line.
    """
    if OmegaConf.get_type(composed) is not Config:
        composed = _with_schema(composed)
    missing = sorted(OmegaConf.missing_keys(composed))
    if missing:
        raise ConfigError(f"{missing[0]}=???: has no default: set it")
    for prefix, node in [("", composed), *((f"{part}.", composed[part]) for part in PARTS)]:
        known = {each.name for each in fields(OmegaConf.get_type(node) or Config)}
        for name in node:
            if name not in known:
                raise ConfigError(unknown_key(f"{prefix}{name}"))
    load_plugins([str(name) for name in composed.plugins])  # before their names are checked
    config = OmegaConf.to_object(composed)
    assert isinstance(config, Config)
    return config


def _with_schema(composed: DictConfig) -> DictConfig:
    """A config that was composed of other files than ours, as config.yaml of a run."""
    plain: Any = OmegaConf.to_container(composed, throw_on_missing=False)
    load_plugins([str(name) for name in plain.get("plugins") or []])  # which may have its model
    kind = (plain.get("model") or {}).get("kind", next(iter(MODEL_KINDS)))
    schema = _node(Config)
    for name, part in (PARTS | {"model": MODEL_KINDS.get(kind, PARTS["model"])}).items():
        schema[name] = _node(part)
    try:
        merged = OmegaConf.merge(schema, composed)
    except OmegaConfBaseException as error:
        raise ConfigError(one_line(error)) from error
    assert isinstance(merged, DictConfig)
    return merged


def unknown_key(key: str) -> str:
    """What to say of a key that there is not, in one line."""
    section, _, name = key.rpartition(".")
    having = [kind for kind, keys in MODEL_KINDS.items() if name in _names(keys)]
    if section == "model" and having:
        return f"{key}: this model has no such key; those that do: model={', '.join(having)}"
    sections: dict[str, list[type[Section]]] = {part: [keys] for part, keys in PARTS.items()}
    sections |= {"": [Config], "model": list(MODEL_KINDS.values())}
    near = _nearest(
        key,
        [(part, each) for part, own in sections.items() for keys in own for each in _names(keys)],
    )
    remedy = f"did you mean {near}?" if near else "--help shows them all"
    return f"{key}: there is no such key; {remedy}"


def _nearest(key: str, known: Sequence[tuple[str, str]]) -> str | None:
    """The key that was meant: one of this name elsewhere, else one like it, in its own section
    first. `known` are sections and names.
    """
    section, _, name = key.rpartition(".")
    same = [(part, each) for part, each in known if each == name]
    own = [(part, each) for part, each in known if part == section]
    for among in (same, own, known):
        for like in difflib.get_close_matches(name, [each for _, each in among], n=1):
            full = [f"{part}.{each}".removeprefix(".") for part, each in among if each == like]
            return difflib.get_close_matches(key, full, n=1, cutoff=0)[0]
    return None


def _names(section: type[Section]) -> list[str]:
    return [each.name for each in fields(section)]


def _explained(*, _root_: DictConfig) -> str:
    """A composed config as YAML, each key with its meaning in a comment: what --help shows."""
    plain: Any = OmegaConf.to_container(_root_, resolve=False)
    lines = []
    parts = PARTS | {"model": MODEL_KINDS[plain["model"]["kind"]]}
    for section, keys in [("", Config), *parts.items()]:
        values, indent = (plain[section], "  ") if section else (plain, "")
        lines += [f"{section}:"] if section else []
        for each in fields(keys):
            if section or each.name not in PARTS:
                text = OmegaConf.to_yaml(OmegaConf.create({each.name: values[each.name]}))
                first, *rest = text.splitlines()
                meaning, choices = (each.metadata.get(name) for name in ("meaning", "choices"))
                of = f" ({', '.join(choices)})" if choices else ""
                lines.append(f"{indent + first:<35}  # {meaning or ''}{of}")
                lines += [indent + line for line in rest]
    return "\n".join(lines).replace("$", "$$")  # Hydra's template takes $ for itself


def compose(*overrides: str) -> Config:
    """The config that the command line would make of these overrides.

    Raises ConfigError, in one line, for what can't be composed. Hydra's global state is afterwards
    what it was before, so that this works within another program's Hydra application.
    """
    with _own_hydra():
        register(overrides)
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
    said = str(error) if isinstance(error, ConfigError) else _said(error)
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in said)


def _said(error: BaseException) -> str:
    if isinstance(error, OverrideParseException):
        return unreadable(error)
    if isinstance(error, MissingConfigException) and error.options:
        return f"{_first_line(error)}; there are {', '.join(error.options)}"
    if isinstance(error, ConfigKeyError) and error.full_key:
        return unknown_key(error.full_key)
    if unknown := re.match(r"Could not override '((?!hydra)[\w.]+)'", str(error)):
        return unknown_key(unknown[1])
    if several := re.match(r"Ambiguous value for argument '(.+)'", str(error)):
        return f"{several[1]}: has several values: add -m for a run with each of them"
    cause = error.__cause__ if isinstance(error, HydraException) else None
    return ": ".join(_first_line(each) for each in (error, cause) if each is not None)


def _first_line(error: BaseException) -> str:
    """With the line after it where it only announces that one."""
    first, _, rest = str(error).strip().partition("\n")
    return f"{first} {rest.partition(chr(10))[0]}" if first.endswith(":") else first.rstrip(".")


def to_yaml(config: Config) -> str:
    """The config as it stands in config.yaml of a run."""
    return OmegaConf.to_yaml(OmegaConf.create(asdict(config)))


def read_yaml(path: Path) -> dict[str, Any]:
    """config.yaml of a run, as plain dicts. Raises ConfigError for a file that is no YAML mapping.

    An unfinished run's may hold anything; that of a finished one is checked before it is read.
    """
    try:
        plain: Any = OmegaConf.to_container(OmegaConf.load(path))
    except Exception as error:  # of what isn't YAML, OmegaConf and its parser raise many kinds
        if isinstance(error, OSError) and error.errno is not None:
            raise
        plain = None
    if not isinstance(plain, dict):
        raise ConfigError(f"{path}: is no YAML mapping, as config.yaml of a run is")
    return plain
