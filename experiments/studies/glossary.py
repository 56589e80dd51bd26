"""The glossary: every metric in a line, from the catalog that the tables use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from nextchar.metrics.catalog import Definition, defined
from nextchar.report.markdown import markdown_table

INTRODUCTION = """# Glossary: what each metric tells you

Written by `python experiments/glossary.py` from the code that computes them;
[methods.md](methods.md) has the conventions and their reasons. No metric has a better end: what is
closest to human text is best. In a name, *n* stands for a number of the last column.
"""
WHEN = {
    "core": "In every run.",
    "full": "With `metrics=full`.",
    "frontier": "With `metrics.frontier=true`.",
}


def page() -> str:
    """The glossary in Markdown: a table for each group of metrics, as on the page of a run."""
    groups: dict[str, list[Definition]] = {}
    for each in defined():
        groups.setdefault(each.info.group, []).append(each)
    parts = [INTRODUCTION]
    for group, own in groups.items():
        levels = list(dict.fromkeys(each.level for each in own))
        when = WHEN[levels[0]] if len(levels) == 1 else "The last ones need more than a plain run."
        head = ("metric", "column", "in", "low … high", "what it tells", "*n*")
        series = [[*some] for _, some in groupby(own, key=_family)]
        rows = markdown_table(head, map(_row, series), words=len(head))
        parts.append(f"## {group[:1].upper()}{group[1:]}\n\n{when}\n\n{rows}\n")
    return "\n".join(parts)


def _family(definition: Definition) -> tuple[object, str]:
    """The same for metrics that differ only in a number."""
    return definition.source, re.sub(r"\d+", "n", definition.info.name)


def _row(series: Sequence[Definition]) -> list[str]:
    info, numbers = series[-1].info, ""
    texts = [info.long, info.name, info.line.replace("- ", "-"), info.description]
    if len(series) > 1:
        found = [re.findall(r"\d+", each.info.name)[-1] for each in series]
        numbers = ", ".join(found)
        texts = [re.sub(rf"(?<!\d){found[-1]}(?!\d)", "n", text) for text in texts]
    long, name, column, told = (text.replace("|", "\\|") for text in texts)
    ends = f"{info.ends[0]} … {info.ends[1]}" if info.ends else ""
    return [f"**{long}**<br>`{name}`", column, info.unit, ends, told, numbers]
