"""One paragraph of the results: who is closest to human text, on how many metrics, how surely."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from nextchar.report.standing import Standing
from nextchar.results import HUMAN, REFERENCES, Run

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

MOST_NAMED = 3
"""More metrics than this on which several samplers are equally close are counted, not named."""


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
    return Markup(" ").join(
        [f"{samplers} {continued} {models}.", *_closeness(run, labels, standings)]
    )


def _closeness(run: Run, labels: Sequence[str], standings: Sequence[Standing]) -> list[str]:
    human = {row.metric for row in run.metrics if row.sampler == HUMAN and math.isfinite(row.value)}
    if not human:
        return ["This run has no human text to compare them with."]
    if len(labels) < 2:
        return ["With a single sampler there is no ranking: compare it with human text."]
    alone = Counter(each.closest[0] for each in standings if len(each.closest) == 1)
    several = [each for each in standings if len(each.closest) > 1]
    tied = sum(bool(each.tied) for each in standings)
    sentences: list[str] = [_leaders(alone, len(human))] if alone else []
    if len(several) > MOST_NAMED:
        count = _count(len(several), "metric")
        sentences.append(f"On {count} several samplers are equally close.")
    else:
        for each in several:
            name, close = run.info(each.metric).long, _count(len(each.closest), "sampler")
            sentences.append(f"On “{name}”, {close} are equally close.")
    if tied:
        sentences.append(
            f"On {_count(tied, 'metric')} the closest can’t be distinguished from at least one "
            "other sampler (p ≥ 5% after Holm’s correction)."
        )
    if len(human) > 1:
        sentences.append("Metrics overlap in what they measure: their count is no score.")
    return sentences


def _leaders(alone: Counter[str], compared: int) -> Markup:
    """`A is closest on four of seven metrics, B on two; three others on one each or more.`"""
    (first, best), *ranked = alone.most_common()
    head = Markup("<strong><code>{}</code></strong> is closest to human text on {} of {}").format(
        first, _number(best), _count(compared, "metric")
    )
    rest = [Markup("<code>{}</code> on {}").format(label, _number(n)) for label, n in ranked[:3]]
    if more := sum(n for _, n in ranked[3:]):
        rest.append(Markup("other samplers on {}").format(_number(more)))
    return Markup(", ").join([head, *rest]) + "."


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


def _count(count: int, noun: str) -> str:
    return f"{_number(count)} {noun}{'' if count == 1 else 's'}"
