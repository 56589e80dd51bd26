"""The memory of this machine, and a refusal of what could never fit into it."""

from __future__ import annotations

import os

from nextchar.config import ConfigError

UNKNOWN = 2**40
"""Bytes that are assumed where the system does not say."""


def total() -> int:
    """The bytes of this machine's memory."""
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return UNKNOWN


def require(needed: int, what: str, keys: str) -> None:
    """Raise ConfigError where `what`, which follows from the keys, needs more bytes than there are.

    `needed` is what it takes at least: what is refused could not have worked.
    """
    if needed > total():
        there = f"this machine has {total() / 1e9:,.0f} GB of memory"
        raise ConfigError(
            f"{keys}: {what} at least {needed / 1e9:,.0f} GB, and {there}; make it smaller"
        )
