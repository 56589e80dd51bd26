"""The table for a terminal: aligned, never wider than it, with intervals where they fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nextchar.report.table import GAP, Cell, Table
from nextchar.results import MetricInfo

MARK = "*"


def as_text(table: Table, width: int = 80) -> str:
    """Render `table` in at most `width` characters a line (20 or more).

    With intervals if all columns fit beside each other, else without; if even that is too wide,
    the columns continue in further blocks below, each with the labels.
    """
    if not table.rows:
        return "no metrics\n"
    room = max(width, 20)
    labels = _aligned(
        ["", "sampler", *(_shorten(row.name, room // 2) for row in table.rows)], str.ljust
    )
    for intervals in (True, False):
        blocks = [[labels]]
        for index, info in enumerate(table.columns):
            cells = [_cell(row.cells[index], intervals) for row in table.rows]
            column = _aligned([*_heading(info), *cells], str.rjust)
            if len(blocks[-1]) > 1 and sum(len(c[0]) + 2 for c in [*blocks[-1], column]) - 2 > room:
                blocks.append([labels])
            blocks[-1].append(column)
        if len(blocks) == 1:
            break
    samplers = sum(not row.reference for row in table.rows)
    lines = [line for block in blocks for line in _lines(block, samplers)]
    return "\n".join([*lines, _legend(table, intervals)]).rstrip() + "\n"


def _aligned(cells: Sequence[str], justify: Callable[[str, int], str]) -> list[str]:
    widest = max(map(len, cells))
    return [justify(cell, widest) for cell in cells]


def _shorten(text: str, room: int) -> str:
    """The text without its middle where it is longer than `room`."""
    if len(text) <= room:
        return text
    head = (room - 1) // 2
    return text[:head] + "…" + text[len(text) - (room - 1 - head) :]


def _cell(cell: Cell, intervals: bool) -> str:
    # The mark is in front, where it moves no digit of a column that ends at the right.
    return (MARK if cell.closest else "") + (cell.full if intervals else cell.value)


def _heading(info: MetricInfo) -> tuple[str, str]:
    """Two lines; a long name that has only one is folded at an underscore."""
    name = info.short
    if "\n" not in name and len(name) > 10 and "_" in name:
        middle = min(
            (i for i, c in enumerate(name) if c == "_"), key=lambda i: abs(2 * i - len(name))
        )
        name = name[: middle + 1] + "\n" + name[middle + 1 :]
    upper, _, lower = name.rpartition("\n")
    return upper, lower


def _lines(block: Sequence[Sequence[str]], samplers: int) -> list[str]:
    """The lines of a block: two of heading, the samplers, a rule, the references, an empty one."""
    lines = ["  ".join(cells).rstrip() for cells in zip(*block, strict=True)]
    rule = "─" * max(map(len, lines))
    body = [*lines[2 : 2 + samplers], rule, *lines[2 + samplers :]]
    if samplers in (0, len(lines) - 2):
        body.remove(rule)
    return [*filter(None, lines[:2]), rule, *body, ""]


def _legend(table: Table, intervals: bool) -> str:
    cells = [cell for row in table.rows for cell in row.cells]
    notes = {
        f"{MARK} closest to {table.reference} text, or tied with it": any(
            cell.closest for cell in cells
        ),
        f"{GAP} does not apply": any(cell.value == GAP for cell in cells),
        "± and [ ]: 95% intervals": intervals and any(cell.interval for cell in cells),
    }
    return "; ".join(note for note, needed in notes.items() if needed)
