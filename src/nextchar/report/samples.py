"""Which texts the page shows, and how their characters are tinted by their bits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from nextchar.results import HUMAN, Sample

PROMPTS = 8
CHARACTERS = 1_000
"""At most so many prompts, and so many characters of a text: the page stays a few megabytes."""
TOTAL = 400_000

EDGES = (1.0, 2.0, 3.0, 5.0, 8.0)
LEGEND = tuple(
    (level, f"{low:g}–{high:g}" if high else f"{low:g} or more")
    for level, (low, high) in enumerate(zip((0.0, *EDGES), (*EDGES, None), strict=True))
)
"""Levels of tint and the bits that they stand for."""

# NUL, carriage returns and other controls have no glyph, and HTML would alter or drop them.
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}


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
    repeated = False
    for sample in samples:
        row = firsts.setdefault(sample.prompt, {})
        repeated |= sample.sampler in row
        if sample.sampler not in row or sample.sample < row[sample.sampler].sample:
            row[sample.sampler] = sample
    indices = sorted(firsts)[:PROMPTS]
    room = TOTAL
    kept: list[int] = []
    for index in indices:
        room -= sum(min(len(sample.text), CHARACTERS) for sample in firsts[index].values())
        if kept and room < 0:
            break
        kept.append(index)
    shown = [sample for index in kept for sample in firsts[index].values()]
    cut = any(len(sample.text) > CHARACTERS for sample in shown)
    return Shown(
        prompts=tuple(_prompt(index, firsts[index]) for index in kept),
        note=_note(len(kept), len(firsts), repeated, cut),
    )


def _prompt(index: int, row: dict[str, Sample]) -> Prompt:
    ordered = sorted(row.values(), key=lambda sample: sample.sampler != HUMAN)
    texts = tuple(Text(s.sampler, tinted(s), _mean(s.bits)) for s in ordered)
    return Prompt(index, ordered[0].prompt_text.translate(_CONTROLS), texts)


def tinted(sample: Sample) -> tuple[tuple[int, str], ...]:
    """Neighbouring characters of one level merged: `level` counts the `EDGES` reached."""
    levels = [
        (bisect_right(EDGES, bits), character)
        for character, bits in zip(sample.text, sample.bits, strict=True)
    ]
    return tuple(
        (level, "".join(character for _, character in run).translate(_CONTROLS))
        for level, run in groupby(levels[:CHARACTERS], key=itemgetter(0))
    )


def _mean(bits: Sequence[float]) -> float | None:
    return sum(bits) / len(bits) if bits else None


def _note(shown: int, prompts: int, repeated: bool, cut: bool) -> str:
    parts = []
    if shown < prompts:
        parts.append(f"the first {shown} of {prompts} prompts")
    if repeated:
        parts.append("the first text of each sampler for each prompt")
    if cut:
        parts.append(f"the first {CHARACTERS:,} characters of each text")
    if not parts:
        return ""
    return f"Shown here: {'; '.join(parts)}. All texts are in samples.jsonl."
