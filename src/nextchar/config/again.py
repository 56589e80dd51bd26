"""A stored config.yaml as overrides of the shipped configs: what `nextchar-run --from RUN` runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from nextchar.config.hydra import compose
from nextchar.config.overrides import written
from nextchar.config.schema import PARTS
from nextchar.config.validation import ConfigError

NOT_STORED = {"paths", "force", "model.kind"}
"""What the new run has of its own, or what model=NAME says."""


def overrides_of(stored: Mapping[str, Any], given: Sequence[str] = ()) -> list[str]:
    """The overrides that make the config `stored`, as far as it differs from the default.

    Keys, and sections, that the overrides `given` set are left to them. Raises ConfigError for a
    choice that stands for keys of several sections, as experiment=NAME does.
    """
    try:
        own = [f"plugins={written(stored['plugins'])}"] if stored["plugins"] else []
        own.append(f"model={stored['model']['kind']}")
        sections = {name: dict(stored[name]) for name in PARTS}
    except (KeyError, TypeError, ValueError):
        raise ConfigError("config.yaml is not that of a run") from None
    default = dict(_leaves(asdict(compose(*own))))
    kept = {name: value for name, value in stored.items() if name not in PARTS} | sections
    own += [
        f"{key}={written(value)}"
        for key, value in _leaves(kept)
        if key not in default or default[key] != value
    ]
    names = {each.lstrip("+~").partition("=")[0] for each in given}
    for name in names:
        if name == "experiment":
            raise ConfigError(f"{name}: --from has set all keys already; set single keys instead")
    return [each for each in own if not names & _sections(each.partition("=")[0])]


def _leaves(plain: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each key of the sections as `section.key`, with its value."""
    for name, value in plain.items():
        keys = {f"{name}.{key}": each for key, each in value.items()} if name in PARTS else {}
        for key, each in (keys or {name: value}).items():
            if name not in NOT_STORED and key not in NOT_STORED and key != "plugins":
                yield key, list(each) if isinstance(each, tuple) else each


def _sections(key: str) -> set[str]:
    """A key and the section that it is in."""
    return {key, key.partition(".")[0]}
