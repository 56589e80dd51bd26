"""Which texts the page shows, and how their characters are tinted by their bits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from nextchar.results import HUMAN, Sample

PROMPTS = 8
CHARACTERS = 1_000
"""At most so many prompts, and so many characters of a text."""
TOTAL = 100_000
"""Characters of all texts, from the second prompt on: a page of 200 samplers stays below 4 MB."""

EDGES = (1.0, 2.0, 3.0, 5.0, 8.0)
LEGEND = tuple(
    (level, f"{low:g}–{high:g}" if high else f"{low:g} or more")
    for level, (low, high) in enumerate(zip((0.0, *EDGES), (*EDGES, None), strict=True))
)
"""Levels of tint and the bits that they stand for."""

CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {127: 0x2421}
"""Pictures of NUL, carriage returns and the like, for `str.translate`: they have no glyph, HTML
would alter or drop them, and a terminal would obey them."""


@dataclass(frozen=True)
class Text:
    """One text: runs of equal tint as (level, characters), and the mean of its bits if any."""

    sampler: str
    runs: tuple[tuple[int, str], ...]
    mean: float | None


@dataclass(frozen=True)
class Prompt:
    """A prompt and what followed: human text first, then the samplers in their order."""

    index: int
    text: str
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class Shown:
    """The prompts on the page, and a sentence that says what was left out."""

    prompts: tuple[Prompt, ...]
    note: str


def chosen(samples: Sequence[Sample]) -> Shown:
    """The first sample of every sampler for the first prompts."""
    firsts: dict[int, dict[str, Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.sample):
        firsts.setdefault(sample.prompt, {}).setdefault(sample.sampler, sample)
    labels = sorted(dict.fromkeys(s.sampler for s in samples), key=lambda label: label != HUMAN)
    prompts: list[Prompt] = []
    room = TOTAL
    for index in sorted(firsts)[:PROMPTS]:
        own = [firsts[index][label] for label in labels if label in firsts[index]]
        room -= sum(min(len(sample.text), CHARACTERS) for sample in own)
        if prompts and room < 0:
            break
        texts = tuple(Text(each.sampler, tinted(each), _mean(each.bits)) for each in own)
        prompts.append(Prompt(index, own[0].prompt_text.translate(CONTROLS), texts))
    note = ""
    whole = len(samples) == sum(len(prompt.texts) for prompt in prompts)
    if not whole or any(len(sample.text) > CHARACTERS for sample in samples):
        first = "prompt" if len(prompts) == 1 else f"{len(prompts)} prompts"
        note = (
            f"Shown here: the first text of each sampler for the first {first} of {len(firsts)}, "
            f"at most the first {CHARACTERS:,} characters. All texts are in samples.jsonl."
        )
    return Shown(tuple(prompts), note)


def tinted(sample: Sample) -> tuple[tuple[int, str], ...]:
    """Neighbouring characters of one level merged: `level` counts the `EDGES` reached."""
    characters = list(zip(sample.text, sample.bits, strict=True))[:CHARACTERS]
    return tuple(
        (level, "".join(character for character, _ in run).translate(CONTROLS))
        for level, run in groupby(characters, key=lambda pair: bisect_right(EDGES, pair[1]))
    )


def _mean(bits: Sequence[float]) -> float | None:
    return sum(bits) / len(bits) if bits else None
