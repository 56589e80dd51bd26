"""The comparison table: a row a sampler, a column a metric, human text last and set apart."""

from nextchar.table.comparison import Cell, Column, Row, Table, compare
from nextchar.table.families import FamilyTable, family_tables
from nextchar.table.groups import groups, headlines
from nextchar.table.markdown import as_markdown
from nextchar.table.seeds import seeds_note, validation_loss
from nextchar.table.standing import Standing, standings
from nextchar.table.text import as_text
from nextchar.table.title import Title
from nextchar.table.titles import title_of
from nextchar.table.titles_truth import TRUTH

__all__ = [
    "TRUTH",
    "Cell",
    "Column",
    "FamilyTable",
    "Row",
    "Standing",
    "Table",
    "Title",
    "as_markdown",
    "as_text",
    "compare",
    "family_tables",
    "groups",
    "headlines",
    "seeds_note",
    "standings",
    "title_of",
    "validation_loss",
]
