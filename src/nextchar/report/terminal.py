"""The table for a terminal: aligned, never wider than asked, intervals where they fit."""

from __future__ import annotations

from collections.abc import Sequence

from nextchar.report.table import GAP, Cell, Column, Table

MARK = "*"
_GUTTER = "  "


def as_text(table: Table, width: int = 100) -> str:
    """Render `table` in at most `width` characters a line (20 or more).

    With intervals if all columns fit beside each other, else without; if even that is too wide,
    the columns continue in further blocks below, each with the labels.
    """
    if not table.rows:
        return "no metrics\n"
    room = max(width, 20)
    labels = _labels(table, room // 2)
    for intervals in (True, False):
        columns = [_column(table, index, intervals) for index in range(len(table.columns))]
        blocks = _blocks(labels, columns, room)
        if len(blocks) == 1:
            break
    rule = [index for index, row in enumerate(table.rows) if row.reference][:1]
    lines = []
    for block in blocks:
        lines += [*_lines([labels, *block], rule), ""]
    return "\n".join([*lines, *_legend(table, intervals)]).rstrip() + "\n"


def _labels(table: Table, room: int) -> list[str]:
    """The left column: heading, labels; the middle of a label longer than `room` is left out."""
    cells = ["sampler", *(_shorten(row.label, room) for row in table.rows)]
    longest = max(map(len, cells))
    return ["".ljust(longest), *(cell.ljust(longest) for cell in cells)]


def _shorten(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    head = (room - 1) // 2
    return text[:head] + "…" + text[len(text) - (room - 1 - head) :]


def _column(table: Table, index: int, intervals: bool) -> list[str]:
    """One column: two lines of heading, then the cells, all of one width."""
    cells = [_cell(row.cells[index], intervals) for row in table.rows]
    heading = _heading(table.columns[index])
    wide = max(map(len, [*heading, *cells]))
    return [cell.rjust(wide) for cell in [*heading, *cells]]


def _cell(cell: Cell, intervals: bool) -> str:
    # The mark has a place of its own behind the figure, so that digits stay aligned.
    return (cell.full if intervals else cell.value) + (MARK if cell.closest else " ")


def _heading(column: Column) -> tuple[str, str]:
    """Two lines that stand above the digits; an unknown long name is folded at an underscore."""
    name = column.title.short
    if "\n" not in name and len(name) > 10 and "_" in name:
        middle = min(
            (i for i, c in enumerate(name) if c == "_"), key=lambda i: abs(2 * i - len(name))
        )
        name = name[: middle + 1] + "\n" + name[middle + 1 :]
    upper, _, lower = name.rpartition("\n")
    return upper + " ", lower + " "


def _blocks(labels: list[str], columns: list[list[str]], room: int) -> list[list[list[str]]]:
    """Columns in groups, each as wide as the room beside the labels allows."""
    blocks: list[list[list[str]]] = []
    used = room + 1
    for column in columns:
        need = len(_GUTTER) + len(column[0]) - 1  # the last mark may stand in the gutter
        if used + need + 1 > room:
            blocks.append([])
            used = len(labels[0])
        blocks[-1].append(column)
        used += need
    return blocks


def _lines(columns: Sequence[Sequence[str]], rule: Sequence[int]) -> list[str]:
    # Columns end in the place of their mark, so one space less keeps the gutter.
    lines = [
        (parts[0] + "".join(_GUTTER[:-1] + part for part in parts[1:])).rstrip()
        for parts in zip(*columns, strict=True)
    ]
    line = "─" * max(map(len, lines))
    heading, body = lines[:2], lines[2:]
    for index in reversed(rule):
        body.insert(index, line)
    return [*(part for part in heading if part), line, *body]


def _legend(table: Table, intervals: bool) -> list[str]:
    cells = [cell for row in table.rows for cell in row.cells]
    notes = []
    if any(cell.closest for cell in cells):
        notes.append(f"{MARK} closest to human text")
    if any(cell.value == GAP for cell in cells):
        notes.append(f"{GAP} does not apply")
    if intervals and any(cell.interval for cell in cells):
        notes.append("± and [ ]: 95% intervals")
    return ["; ".join(notes)] if notes else []
