"""A run in a notebook: the comparison as one HTML table, without styles or scripts of its own."""

from __future__ import annotations

from html import escape

from nextchar.report.summary import seeds_note
from nextchar.report.table import Cell, Row, headline_table
from nextchar.results import REPORT, Run


def as_html(run: Run) -> str:
    """The metrics that the terminal shows, with their 95% intervals.

    The sampler closest to human text is bold in each column; the page has all metrics.
    """
    table = headline_table(run)
    head = "".join(
        f'<th title="{escape(info.description)}">{escape(info.line)}</th>' for info in table.columns
    )
    body = "".join(_row(row) for row in table.rows)
    notes = (
        seeds_note(run),
        f"bold: closest to {run.reference} text; ± and [ ]: 95% intervals; "
        f"all metrics: {run.folder / REPORT}",
    )
    return (
        f"<table><caption>{escape(run.folder.name)}</caption>"
        f"<thead><tr><th>sampler</th>{head}</tr></thead><tbody>{body}</tbody></table>"
        + "".join(f"<p>{escape(text)}</p>" for text in notes if text)
    )


def _row(row: Row) -> str:
    label = f"<em>{escape(row.name)}</em>" if row.reference else escape(row.name)
    return f"<tr><th>{label}</th>{''.join(map(_cell, row.cells))}</tr>"


def _cell(cell: Cell) -> str:
    text = escape(cell.full)
    return f"<td>{f'<b>{text}</b>' if cell.closest else text}</td>"
