"""Consoles that can't show every character, as Windows' own: what they lack falls back."""

from __future__ import annotations

import codecs
import io
from typing import Any

PLAIN = str.maketrans("─│–—−×·…→≥≤±ε’“”", '-|---x..>><~e\'""')
"""One character for one, so that tables stay aligned."""


def _fall_back(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end].translate(PLAIN)
    return lacking.encode("ascii", "backslashreplace").decode(), error.end


codecs.register_error("nextchar.plain", _fall_back)


def accept_any_text(*streams: Any) -> None:
    """What the encoding of a stream lacks, it writes as the nearest ASCII, else as its code."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="nextchar.plain")
