"""The table for a README: GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nextchar.report.table import Cell, Table


def as_markdown(table: Table, *, intervals: bool = True) -> str:
    """Render `table`; the sampler closest to human text is bold in each column."""
    heading = ["sampler", *(_escape(column.line) for column in table.columns)]
    lines = []
    for row in table.rows:
        label = f"**{_escape(row.name)}**" if row.human else f"`{_escape(row.name)}`"
        lines.append([label, *(_cell(cell, intervals) for cell in row.cells)])
    return markdown_table(heading, lines, words=1) + "\n"


def _cell(cell: Cell, intervals: bool) -> str:
    text = cell.full if intervals else cell.value
    return f"**{text}**" if cell.closest else text


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 0) -> str:
    """A table in GitHub's Markdown: the first `words` columns to the left, figures to the right."""
    marks = [":---" if index < words else "---:" for index in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, marks, *rows))
