"""One paragraph of the results: who stands out, who is far, and where nobody is like people."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from nextchar.report.standing import LEVEL, Standing
from nextchar.report.table import as_cells
from nextchar.results import HUMAN, OVERALL, REFERENCES, Run

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

MOST_NAMED = 3
"""More metrics than this on which no sampler is like people are counted, not named."""


def summary(run: Run, standings: Sequence[Standing]) -> Markup:
    """Sentences that claim no more than the results do."""
    labels = [label for label in run.samplers if label not in REFERENCES]
    prompts = len({sample.prompt for sample in run.samples})
    models = "the same model"
    if run.seeds:
        models = f"the same {_count(len(run.seeds), 'model')}, trained from different seeds"
    samplers = _count(len(labels), "sampler").capitalize()
    continued = f"continued {_count(prompts, 'prompt')} with" if prompts else "drew from"
    # Markup escapes what it joins.
    return Markup(" ").join([f"{samplers} {continued} {models}.", *_answer(run, labels, standings)])


def _answer(run: Run, labels: Sequence[str], standings: Sequence[Standing]) -> list[str]:
    if not any(row.sampler == HUMAN and math.isfinite(row.value) for row in run.metrics):
        return ["This run has no human text to compare them with."]
    if len(labels) < 2:
        return ["With a single sampler there is no ranking: compare it with human text."]
    known = [each for each in standings if each.pairs]
    if not known:
        return _families(run) or ["This run has no differences between them: nobody is ranked."]
    return [_leaders(run, known), *_farthest(known), *_apart(run, known)]


def _families(run: Run) -> list[str]:
    """Which family of samplers is closest to human text, and how many are tied with it."""
    rows = sorted((row for row in run.families if row.metric == OVERALL), key=lambda row: row.value)
    if len(rows) < 2:
        return []
    tied = sum(row.level >= LEVEL for row in rows[1:])
    first = Markup(
        "<code>{}</code> ends closest to {} text (<code>{}</code>, overall distance {:.2f})"
    )
    closest = first.format(rows[0].family, run.reference, rows[0].setting, rows[0].value)
    alike = Markup("Of {}, tuned alike, ").format(_count(len(rows), "family", "families"))
    if not tied:
        return [alike + closest + " and differs significantly from all others."]
    return [
        Markup("<strong>No family of samplers stands out.</strong> ")
        + alike
        + closest
        + f"; the difference from it is not significant for {_number(tied)} of the others."
    ]


def _leaders(run: Run, standings: Sequence[Standing]) -> Markup:
    """Who is closest to human text and differs significantly from all others, on how many
    metrics."""
    leaders = Counter(each.leader for each in standings if each.leader).most_common()
    of = _count(len(standings), "metric")
    if not leaders:
        return Markup(
            "<strong>No sampler stands out</strong>: on none of {} is one closest to {} text and "
            "distinguished from all others (p below 5% after Holm’s correction)."
        ).format(of, run.reference)
    (first, most), *others = leaders
    head = Markup(
        "<strong><code>{}</code></strong> is closest to {} text and distinguished from all others "
        "on {} of {}"
    ).format(first, run.reference, _number(most), of)
    rest = [Markup("<code>{}</code> on {}").format(label, _number(n)) for label, n in others[:3]]
    if more := sum(n for _, n in others[3:]):
        rest.append(Markup("other samplers on {}").format(_number(more)))
    nobody = len(standings) - sum(n for _, n in leaders)
    tail = f"; on {_number(nobody)} no sampler stands out." if nobody else "."
    return Markup(", ").join([head, *rest]) + tail


def _farthest(standings: Sequence[Standing]) -> list[Markup]:
    """Who is clearly the farthest from human text most often, if anybody is."""
    far = Counter(each.farthest for each in standings if each.farthest).most_common(1)
    return [
        Markup("<code>{}</code> is clearly the farthest on {}.").format(label, _number(count))
        for label, count in far
    ]


def _apart(run: Run, standings: Sequence[Standing]) -> list[Markup]:
    """On which metrics no sampler is like people, with the figures of the first ones."""
    apart = [each for each in standings if each.apart]
    figures = []
    for each in apart[:MOST_NAMED]:
        rows = [run.value(label, each.metric) for label in (each.closest[0], HUMAN)]
        near, far = as_cells([row for row in rows if row])
        figures.append(f"{run.info(each.metric).long} ({near.value} against {far.value})")
    more = f", and in {_number(len(apart) - MOST_NAMED)} more" if len(apart) > MOST_NAMED else ""
    said = Markup("Even the closest sampler differs from {} text in {}{}.").format(
        run.reference, ", ".join(figures), more
    )
    return [said] if apart else []


def seeds_note(run: Run) -> str:
    """What the intervals of a run over several seeds mean, and its loss; empty for one seed."""
    if not run.seeds:
        return ""
    return (
        f"Pooled over seeds {', '.join(map(str, run.seeds))}: the intervals are over seeds and "
        f"prompts, so they cover other seeds too. Validation loss {validation_loss(run)} nats per "
        "character."
    )


def validation_loss(run: Run) -> str:
    """The mean over the seeds and their standard deviation, as `1.519 ± 0.002 (mean ± SD)`."""
    model = run.manifest["model"]
    loss, deviation = model["validation_loss"], model["validation_loss_deviation"]
    return f"{loss:.3f} ± {deviation:.3f} (mean ± SD)"


def _number(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else f"{count:,}"


def _count(count: int, noun: str, several: str | None = None) -> str:
    return f"{_number(count)} {noun if count == 1 else several or noun + 's'}"
