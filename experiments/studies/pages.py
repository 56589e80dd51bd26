"""Pages in Markdown, of which a program writes a part, between two markers."""

from __future__ import annotations

from pathlib import Path

from nextchar.runtime import files


def markers(program: str) -> tuple[str, str]:
    """What stands before and after the part that `program` writes."""
    begin, end = (f"<!-- written by {program}: {edge} -->" for edge in ("begin", "end"))
    return begin, end


def replace_section(page: Path, program: str, part: str) -> None:
    """Put `part` in the place of what `program` wrote into `page` before.

    Raises ValueError where the page does not have the markers once each.
    """
    begin, end = markers(program)
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    files.write_text(page, f"{before}{begin}\n{part.strip()}\n{end}{after}")
