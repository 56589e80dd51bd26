"""What the metrics are called and what they say; a metric that is not listed goes by its name."""

from __future__ import annotations

from collections.abc import Iterable

from nextchar.metrics.title import Title
from nextchar.metrics.titles_exact import EXACT_TITLES
from nextchar.metrics.titles_full import FULL_TITLES
from nextchar.metrics.titles_truth import TRUTH_TITLES
from nextchar.results import Metric, MetricInfo

_TEXT = "generated text"


def _distinct(n: int) -> Title:
    units = "words" if n == 1 else f"runs of {n} words"
    return Title(
        short=f"dist-{n}",
        long=f"distinct-{n}",
        description=f"Different {units} over all {units} of a sampler's texts: 1 never repeats.",
        ends=("repetitive", "varied"),
        group=_TEXT,
    )


_CORE_TITLES = {
    "bits_per_character": Title(
        short="bits/\nchar",
        long="bits per character",
        description=(
            "How surprising the generated text is to the untouched model, as −log₂ p averaged over "
            "its characters. Low is safe and dull, high is erratic."
        ),
        ends=("predictable", "surprising"),
        group=_TEXT,
    ),
    "entropy": Title(
        short="entropy",
        long="entropy",
        description=(
            "Bits of choice left at a step: the entropy of the distribution that the sampler draws "
            "from, along its own text. Human text was not drawn from one, so it has none."
        ),
        ends=("decided", "open"),
        group=_TEXT,
    ),
    "kept_characters": Title(
        short="kept\nchars",
        long="kept characters",
        description=(
            "Characters with a probability above zero, averaged over the steps: how much of the "
            "alphabet the sampler leaves in play."
        ),
        ends=("few", "all"),
        group=_TEXT,
    ),
    "distinct_1": _distinct(1),
    "distinct_2": _distinct(2),
    "distinct_3": _distinct(3),
    "distinct_4": _distinct(4),
    "loops": Title(
        short="loops",
        long="looping texts",
        description="Share of the texts that end by repeating the same characters over and over.",
        ends=("none", "all"),
        group=_TEXT,
    ),
    "unknown_words": Title(
        short="unknown\nwords",
        long="unknown words",
        description="Share of the words that never occur in the training text.",
        ends=("none", "many"),
        group=_TEXT,
    ),
}
_TITLES = _CORE_TITLES | EXACT_TITLES | FULL_TITLES | TRUTH_TITLES


def title_of(metric: str) -> Title:
    """The names of `metric`; its key stands for all of them where it is not known."""
    return _TITLES.get(metric) or Title(short=metric, long=metric)


def definitions(metrics: Iterable[Metric]) -> list[MetricInfo]:
    """What the metrics of these rows are called and what they say, each once."""
    units = {row.metric: row.unit for row in metrics}
    found = []
    for name, unit in units.items():
        title = title_of(name)
        found.append(
            MetricInfo(
                name=name,
                unit=unit,
                short=title.short,
                long=title.long,
                description=title.description,
                ends=title.ends,
                group=title.group,
            )
        )
    return found
