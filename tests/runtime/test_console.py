"""What a console lacks falls back, and nothing is an error."""

from __future__ import annotations

import io

import pytest

from nextchar.report.table import GAP
from nextchar.runtime.console import PLAIN, accept_any_text


def shown(text: str, encoding: str) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    accept_any_text(stream, None, io.StringIO())
    stream.write(text)
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "utf-8"])
def test_symbols_fall_back_and_a_table_stays_aligned(encoding: str) -> None:
    table = f"ε-ppl ± 1.5\n───────────\n{GAP} … x"
    found = shown(table, encoding)
    assert [len(line) for line in found.split("\n")] == [len(line) for line in table.split("\n")]
    assert (found == table) == (encoding == "utf-8")


def test_what_has_no_like_is_written_as_its_code() -> None:
    assert shown("日本\u202e é", "ascii") == r"\u65e5\u672c\u202e \xe9"
    assert shown("日 é", "cp1252") == r"\u65e5 é"
    assert shown("\ud800", "utf-8") == r"\ud800"
    assert all(chr(code).isascii() for code in PLAIN.values())
