"""The comparison table: a row a sampler, a column a metric, human text last and set apart."""

from nextchar.table.comparison import Cell, Column, Row, Table, compare
from nextchar.table.groups import groups, headlines
from nextchar.table.markdown import as_markdown
from nextchar.table.standing import Standing, standings
from nextchar.table.text import as_text
from nextchar.table.titles import Title, title_of

__all__ = [
    "Cell",
    "Column",
    "Row",
    "Standing",
    "Table",
    "Title",
    "as_markdown",
    "as_text",
    "compare",
    "groups",
    "headlines",
    "standings",
    "title_of",
]
