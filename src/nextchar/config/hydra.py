"""From Hydra's composed config to the dataclasses, and to YAML and back."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import Field, asdict, fields
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from nextchar.config.models import MODEL_KINDS
from nextchar.config.plugins import load_plugins
from nextchar.config.schema import PARTS, Config
from nextchar.config.validation import ConfigError, Section


def register(overrides: Sequence[str] = ()) -> None:
    """Make the dataclasses the schemas and defaults of `conf/`; each kind of model is a choice.

    Plugins that `overrides` name are loaded first, so that model=NAME finds their models too.
    """
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


def unknown_key(key: str) -> str:
    """What to say of a key that there is not, in one line."""
    section, _, name = key.rpartition(".")
    having = [kind for kind, keys in MODEL_KINDS.items() if name in _names(keys)]
    if section == "model" and having:
        return f"{key}: this model has no such key; those that do: model={', '.join(having)}"
    sections: dict[str, list[type[Section]]] = {part: [keys] for part, keys in PARTS.items()}
    sections |= {"": [Config], "model": list(MODEL_KINDS.values())}
    known = [each for keys in sections.get(section, []) for each in _names(keys)]
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {key.removesuffix(name)}{near[0]}?" if near else "--help shows them all"
    return f"{key}: there is no such key; {remedy}"


def _names(section: type[Section]) -> list[str]:
    return [each.name for each in fields(section)]


def _explained(*, _root_: DictConfig) -> str:
    """A composed config as YAML, each key with its meaning in a comment: what --help shows."""
    plain = OmegaConf.to_container(_root_, resolve=False)
    assert isinstance(plain, dict)
    lines = []
    parts = PARTS | {"model": MODEL_KINDS[plain["model"]["kind"]]}
    for section, keys in [("", Config), *parts.items()]:
        values, indent = (plain[section], "  ") if section else (plain, "")
        lines += [f"{section}:"] if section else []
        for each in fields(keys):
            if section or each.name not in PARTS:
                text = OmegaConf.to_yaml(OmegaConf.create({each.name: values[each.name]}))
                first, *rest = text.splitlines()
                lines.append(f"{indent + first:<35}  # {_explanation(each)}")
                lines += [indent + line for line in rest]
    return "\n".join(lines).replace("$", "$$")  # Hydra's template takes $ for itself


def _explanation(key: Field[Any]) -> str:
    meaning, choices = key.metadata.get("meaning", ""), key.metadata.get("choices")
    return f"{meaning} ({', '.join(choices)})" if choices else meaning


def compose(*overrides: str) -> Config:
    """The config that the command line would make of these overrides."""
    register(overrides)
    with hydra.initialize_config_module("nextchar.conf", version_base="1.3"):
        return resolve(hydra.compose("config", overrides=list(overrides)))


def to_yaml(config: Config) -> str:
    """The config as it stands in config.yaml of a run."""
    return OmegaConf.to_yaml(OmegaConf.create(asdict(config)))


def read_yaml(path: Path) -> dict[str, Any]:
    """config.yaml of a run, as plain dicts."""
    plain = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
