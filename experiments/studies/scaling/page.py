"""The part of docs/scaling.md that the program writes: tables, laws, and what they foretell."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from nextchar.report.markdown import markdown_table
from studies.scaling.forecast import (
    AGAIN,
    FRESH,
    GPU,
    GPU_BATCH,
    GPU_FLOP,
    UTILISATION,
    Study,
    knows_floor,
    rereading,
)
from studies.scaling.law import FLOOR, REREADING
from studies.scaling.rows import Constant, Need, Training

PROGRAM = "experiments/scaling.py"


def part(study: Study, figure: str) -> str:
    """What the program writes; `figure` is the picture's link."""
    return "\n\n".join(
        [
            f"![Loss and time against size, text and compute]({figure})",
            _trainings(study.trainings),
            _paragraph(_told_of_trainings(study)),
            "## The law",
            _constants(study),
            _paragraph(_told_of_fit(study)),
            _paragraph(_told_of_rereading(study)),
            "## Time",
            _times(study),
            "## A text a thousand times as long",
            _needs(study.needs()),
            _paragraph(_told_of_needs(study)),
        ]
    )


def _paragraph(sentences: Sequence[str]) -> str:
    return textwrap.fill(" ".join(sentences), 110, break_long_words=False, break_on_hyphens=False)


def _trainings(rows: Sequence[Training]) -> str:
    """A row a size, a column a number of steps and share of the text."""
    columns = sorted({(row.share, row.steps) for row in rows}, key=lambda each: (-each[0], each[1]))
    found = {(row.width, row.share, row.steps): row for row in rows}
    head = ["width", "parameters", "in blocks"]
    for share, steps in columns:
        of_text = "" if share == 1 else f", {share:.4g} of the text"
        head.append(f"{steps:,} steps{of_text}")
    lines = []
    for width in sorted({row.width for row in rows}):
        own = next(row for row in rows if row.width == width)
        cells = [f"{width}", f"{own.parameters:,}", f"{own.blocks:,}"]
        lines.append(cells + [_loss(found.get((width, *column))) for column in columns])
    return markdown_table(head, lines)


def _loss(row: Training | None) -> str:
    if row is None:
        return ""
    best = f" ({row.best_loss:.4f})" if row.best_loss < row.last_loss else ""
    return f"{row.last_loss:.4f}{best}"


def _told_of_trainings(study: Study) -> list[str]:
    whole = study.whole
    epochs = [row.epochs for row in study.trainings if row.share < 1]
    told = [
        "Validation loss after the last step, in nats a character over the whole split (in "
        "brackets the best one, where that was earlier).",
        f"{len(study.trainings)} trainings, one seed; a step reads {study.characters_a_step:,} "
        f"characters, the longest training {max(row.characters for row in whole):,} or "
        f"{max(row.epochs for row in whole):.2f} times the training split.",
    ]
    if epochs:
        told.append(
            f"On shares of the text it is read {min(epochs):.1f} to {max(epochs):.1f} times."
        )
    return told


def _constants(study: Study) -> str:
    head = ["law", "trainings", "constant", "value", "95% interval"]
    return markdown_table(
        head,
        [
            [row.law, str(study.fits[row.law].trainings), row.name, *_value(row)]
            for row in study.constants()
        ],
    )


def _value(row: Constant) -> tuple[str, str]:
    return f"{row.value:.4g}", f"{row.low:.4g} to {row.high:.4g}"


def _told_of_fit(study: Study) -> list[str]:
    fit = study.fresh
    told = [
        "L(N, D) = E + A / N^a + B / D^b, with N the parameters of the blocks and D the characters "
        "seen (Hoffmann et al. 2022, 2203.15556, approach 3).",
        f"The law of {FRESH} is fitted to the trainings on the whole text and takes every "
        "character as new, though the longest read it more than once.",
        f"Its predictions are off by {100 * fit.rms:.2f}% in the root mean square and "
        f"{100 * fit.worst:.2f}% at most.",
        f"Intervals are percentiles of {len(fit.resampled)} fits to trainings drawn again with "
        "replacement: they hold the choice of trainings and a part of the noise, not other seeds, "
        "recipes or texts.",
        f"{fit.trainings} trainings for 5 constants are few.",
    ]
    told += [
        f"**E can't be told from these trainings** by the law of {name}: its interval reaches the "
        f"bound of the search, {FLOOR[0]:g}."
        for name, each in study.fits.items()
        if not knows_floor(each)
    ]
    return told


def _told_of_rereading(study: Study) -> list[str]:
    if study.again is None:
        return [
            "What characters are worth that are read again can't be told from these trainings: too "
            "few of them read a share of the text more than twice."
        ]
    value, low, high = study.again.interval(rereading)
    told = [
        f"The law of {AGAIN} is fitted to all trainings but the "
        f"{sum(row.overfits for row in study.trainings)} on shares of the text that were better "
        "before their end: it can't rise. Characters that are read again count for "
        "less, by the constant R of Muennighoff et al. (2023, 2305.16264): the number of times "
        "that a text can be read again before that is worth next to nothing.",
        f"It is off by {100 * study.again.rms:.2f}% in the root mean square, "
        f"{100 * study.again.worst:.2f}% at most.",
    ]
    if study.knows_rereading:
        told.append(f"R = {value:.3g}, {low:.3g} to {high:.3g}.")
    else:
        told.append(
            f"**R can't be told from these trainings**: its interval, {low:.3g} to {high:.3g}, "
            f"reaches into the bounds of the search, {REREADING[0]:g} and {REREADING[1]:g}."
        )
    return told


def _times(study: Study) -> str:
    if not study.times:
        return (
            "Not measured yet: `python experiments/scaling.py --time`, on a machine that does "
            "nothing else."
        )
    rows = [
        [
            f"{row.width}",
            f"{row.blocks:,}",
            f"{row.flop / 1e9:.2f}",
            f"{1000 * row.seconds:.1f}",
            f"{row.flop / row.seconds / 1e9:.1f}",
        ]
        for row in study.times
    ]
    first = study.times[0]
    threads = "1 thread" if first.threads == 1 else f"{first.threads} threads"
    note = _paragraph(
        [f"{threads} of {first.processor}; the lower quartile of {first.steps} steps, in turn."]
    )
    head = ["width", "in blocks", "GFLOP a step", "ms a step", "GFLOP/s"]
    return f"{markdown_table(head, rows)}\n\n{note}"


def _needs(needs: Sequence[Need]) -> str:
    timed = not math.isnan(needs[0].cpu_hours)
    head = ["text", "characters", "parameters", "loss", "FLOP"]
    head += [*(["hours here"] if timed else []), f"hours on {GPU}"]
    return markdown_table(
        head,
        [
            [
                f"× {need.factor:,}",
                f"{need.characters:,}",
                _range(need.parameters, need.parameters_low, need.parameters_high),
                f"{need.loss:.2f} [{need.loss_low:.2f}, {need.loss_high:.2f}]",
                _range(need.flop, need.flop_low, need.flop_high),
                *(
                    [_range(need.cpu_hours, need.cpu_hours_low, need.cpu_hours_high)]
                    if timed
                    else []
                ),
                _range(need.gpu_hours, need.gpu_hours_low, need.gpu_hours_high),
            ]
            for need in needs
        ],
    )


def _range(value: float, low: float, high: float) -> str:
    return f"{_number(value)} [{_number(low)}, {_number(high)}]"


def _number(value: float) -> str:
    """Two digits, in words that a person reads: 160,000,000, or 1.2e+18 where there are many."""
    rounded = float(f"{value:.2g}")
    if rounded == 0 or 1e-3 <= abs(rounded) < 1e10:
        return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:g}"
    return f"{rounded:.1e}"


def _told_of_needs(study: Study) -> list[str]:
    longest, seen = study.needs()[-1], max(row.characters for row in study.whole)
    told = [
        "The text is read once, by the size for which that is the compute-efficient number of "
        f"characters under the law of {study.basis}.",
        f"× {longest.factor:,} is {longest.characters:,} characters: "
        f"{longest.characters / study.characters_a_step:,.0f} steps of "
        f"{study.characters_a_step:,}, or {longest.characters / GPU_BATCH:,.0f} of {GPU_BATCH:,} "
        "(an assumption of what suits a GPU; the best learning rate for it is another study).",
        f"That lies {longest.characters / seen:,.0f} times beyond the longest training and "
        f"{longest.parameters / max(row.blocks for row in study.whole):,.0f} times beyond the "
        "largest size: the intervals, wide as they are, take the form of the law for granted, and "
        "a text of the same kind.",
        f"{GPU[0].upper()}{GPU[1:]} is taken at {GPU_FLOP / 1e12:,.0f} TFLOP/s (dense bfloat16, "
        f"NVIDIA's data sheet of the SXM) times a utilisation of {UTILISATION:.0%}, which is an "
        "assumption.",
    ]
    if study.times:
        told.append(
            f"Hours here are those of {study.cpu_flop / 1e9:.1f} GFLOP/s, the largest size's."
        )
    return told
