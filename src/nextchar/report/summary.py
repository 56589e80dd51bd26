"""One paragraph from the figures: who is closest to human text, on how many metrics, how surely."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup, escape

from nextchar.metrics.catalog import title_of
from nextchar.report.table import compare
from nextchar.results import HUMAN, REFERENCES, Metric, Run

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

MOST_TIES = 3
"""More metrics than this on which samplers tie are counted, not named."""


def summary(run: Run) -> Markup:
    """Sentences that claim no more than the figures do; point estimates decide who is closest."""
    labels = [label for label in run.samplers if label not in REFERENCES]
    prompts = len({sample.prompt for sample in run.samples})
    opening = f"{_count(len(labels), 'sampler').capitalize()} continued "
    models = "the same model"
    if run.seeds:
        models = f"the same {_count(len(run.seeds), 'model')}, trained from different seeds"
    opening += f"{_count(prompts, 'prompt')} with {models}." if prompts else f"{models}."
    if not prompts:
        opening = f"{_count(len(labels), 'sampler').capitalize()} drew from {models}."
    return Markup(" ").join([escape(opening), *_closeness(run, labels)])


def _closeness(run: Run, labels: Sequence[str]) -> list[Markup]:
    compared = {row.metric for row in run.metrics if row.sampler == HUMAN and _known(row)}
    if not compared:
        return [escape("This run has no human text to hold them against.")]
    if len(labels) < 2:
        return [escape("With a single sampler there is no ranking: compare it with human text.")]
    nearest = _nearest(run)
    alone = Counter(names[0] for names in nearest.values() if len(names) == 1)
    ties = {metric: names for metric, names in nearest.items() if len(names) > 1}
    sentences = []
    if alone:
        sentences.append(_leaders(alone, len(compared)))
    if len(ties) > MOST_TIES:
        sentences.append(escape(f"On {_count(len(ties), 'metric')} several tie for closest."))
    else:
        sentences += [_tie(metric, names) for metric, names in ties.items()]
    unsettled = sum(_unsettled(run, metric, names) for metric, names in nearest.items())
    if unsettled:
        sentences.append(
            escape(
                f"These are point estimates: on {_count(unsettled, 'metric')} the interval of "
                "another sampler overlaps that of the closest, so their order is not settled."
            )
        )
    if len(compared) > 1:
        sentences.append(escape("Metrics share what they measure; a count of them is no score."))
    return sentences


def _tie(metric: str, names: Sequence[str]) -> Markup:
    return escape(f"On “{title_of(metric).long}”, {_count(len(names), 'sampler')} tie for closest.")


def _leaders(alone: Counter[str], compared: int) -> Markup:
    """`A is closest on four of seven metrics, B on two; three others on one each or more.`"""
    ranked = alone.most_common()
    first, best = ranked[0]
    head = Markup("<strong><code>{}</code></strong> is closest to human text on {} of {}").format(
        first, _number(best), _count(compared, "metric")
    )
    rest = [Markup("<code>{}</code> on {}").format(label, _number(n)) for label, n in ranked[1:4]]
    more = sum(n for _, n in ranked[4:])
    if more:
        rest.append(escape(f"other samplers on {_number(more)}"))
    return Markup(", ").join([head, *rest]) + "."


def _nearest(run: Run) -> dict[str, list[str]]:
    """Metric to the samplers that the table marks as closest."""
    table = compare(run.metrics)
    marks = {
        column.metric: [row.label for row in table.rows if row.cells[index].closest]
        for index, column in enumerate(table.columns)
    }
    return {metric: labels for metric, labels in marks.items() if labels}


def _unsettled(run: Run, metric: str, nearest: Sequence[str]) -> bool:
    """Whether a sampler that is not marked overlaps, with its interval, one that is."""
    rows = [row for row in run.metrics if row.metric == metric and row.sampler not in REFERENCES]
    marked = [row for row in rows if row.sampler in nearest]
    others = [row for row in rows if row.sampler not in nearest]
    return any(a.low <= b.high and b.low <= a.high for a in marked for b in others)


def _known(row: Metric) -> bool:
    return math.isfinite(row.value)


def _number(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else f"{count:,}"


def _count(count: int, noun: str) -> str:
    return f"{_number(count)} {noun}{'' if count == 1 else 's'}"
