"""The section of docs/scaling.md that the program writes: tables, laws, and predictions."""

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
    ScalingResult,
    knows_floor,
    rereading,
)
from studies.scaling.law import FLOOR, REREADING
from studies.scaling.rows import Constant, Need, Training

PROGRAM = "experiments/scaling.py"


def section(result: ScalingResult, figure: str) -> str:
    """The section in Markdown; `figure` is the link of the picture."""
    return "\n\n".join(
        [
            f"![Loss and time against size, text and compute]({figure})",
            _trainings(result.trainings),
            _paragraph(_about_trainings(result)),
            "## The law",
            _constants(result),
            _paragraph(_about_fit(result)),
            _paragraph(_about_rereading(result)),
            "## Time",
            _times(result),
            "## A text a thousand times as long",
            _needs(result.needs()),
            _paragraph(_about_needs(result)),
        ]
    )


def _paragraph(sentences: Sequence[str]) -> str:
    return textwrap.fill(" ".join(sentences), 110, break_long_words=False, break_on_hyphens=False)


def _trainings(rows: Sequence[Training]) -> str:
    """A row per size, a column per number of steps and share of the text."""
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


def _about_trainings(result: ScalingResult) -> list[str]:
    whole = result.whole
    epochs = [row.epochs for row in result.trainings if row.share < 1]
    sentences = [
        "Validation loss after the last step, in nats per character over the whole split (in "
        "brackets the lowest one, where that was earlier).",
        f"{len(result.trainings)} trainings, one seed. A step reads {result.characters_per_step:,} "
        f"characters, the longest training {max(row.characters for row in whole):,}, which is "
        f"{max(row.epochs for row in whole):.2f} times the training split.",
    ]
    if epochs:
        sentences.append(
            f"A share of the text is read {min(epochs):.1f} to {max(epochs):.1f} times."
        )
    return sentences


def _constants(result: ScalingResult) -> str:
    head = ["law", "trainings", "constant", "value", "95% interval"]
    return markdown_table(
        head,
        [
            [row.law, str(result.fits[row.law].trainings), row.name, *_value(row)]
            for row in result.constants()
        ],
    )


def _value(row: Constant) -> tuple[str, str]:
    return f"{row.value:.4g}", f"{row.low:.4g} to {row.high:.4g}"


def _about_fit(result: ScalingResult) -> list[str]:
    fit = result.fresh
    sentences = [
        "L(N, D) = E + A / N^a + B / D^b, with N the parameters of the blocks and D the characters "
        "seen (Hoffmann et al. 2022, 2203.15556, approach 3).",
        f"The law of {FRESH} is fitted to the trainings on the whole text and treats every "
        "character as new, although the longest trainings read the text more than once.",
        f"The root mean square error of its predictions is {100 * fit.rms:.2f}%, the largest error "
        f"{100 * fit.worst:.2f}%.",
        f"Intervals are percentiles of {len(fit.resampled)} fits to trainings resampled with "
        "replacement: they cover the choice of trainings and a part of the noise, but not other "
        "seeds, recipes or texts.",
        f"{fit.trainings} trainings for 5 constants are few.",
    ]
    sentences += [
        f"**These trainings do not determine E** by the law of {name}: its interval reaches the "
        f"lower bound of the search, {FLOOR[0]:g}."
        for name, each in result.fits.items()
        if not knows_floor(each)
    ]
    return sentences


def _about_rereading(result: ScalingResult) -> list[str]:
    if result.again is None:
        return [
            "These trainings do not determine what characters are worth that are read again: too "
            "few of them read a share of the text more than twice."
        ]
    value, low, high = result.again.interval(rereading)
    sentences = [
        f"The law of {AGAIN} is fitted to all trainings but the "
        f"{sum(row.overfits for row in result.trainings)} on shares of the text that were better "
        "before their end, because the law can't rise. Characters that are read again count "
        "less, by the constant R of Muennighoff et al. (2023, 2305.16264): after about R "
        "repetitions of a text, further ones are worth little.",
        f"Its root mean square error is {100 * result.again.rms:.2f}%, its largest error "
        f"{100 * result.again.worst:.2f}%.",
    ]
    if result.knows_rereading:
        sentences.append(f"R = {value:.3g}, {low:.3g} to {high:.3g}.")
    else:
        sentences.append(
            f"**These trainings do not determine R**: its interval, {low:.3g} to {high:.3g}, "
            f"reaches a bound of the search, {REREADING[0]:g} or {REREADING[1]:g}."
        )
    return sentences


def _times(result: ScalingResult) -> str:
    if not result.times:
        return "Not measured yet: `python experiments/scaling.py --time`, on an idle machine."
    rows = [
        [
            f"{row.width}",
            f"{row.blocks:,}",
            f"{row.flop / 1e9:.2f}",
            f"{1000 * row.seconds:.1f}",
            f"{row.flop / row.seconds / 1e9:.1f}",
        ]
        for row in result.times
    ]
    first = result.times[0]
    threads = "1 thread" if first.threads == 1 else f"{first.threads} threads"
    note = _paragraph(
        [
            f"{threads} of {first.processor}; the lower quartile of {first.steps} steps, the "
            "sizes alternating."
        ]
    )
    head = ["width", "in blocks", "GFLOP per step", "ms per step", "GFLOP/s"]
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
    """Two significant digits: 160,000,000, or 1.2e+18 for larger numbers."""
    rounded = float(f"{value:.2g}")
    if rounded == 0 or 1e-3 <= abs(rounded) < 1e10:
        return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:g}"
    return f"{rounded:.1e}"


def _about_needs(result: ScalingResult) -> list[str]:
    longest, seen = result.needs()[-1], max(row.characters for row in result.whole)
    sentences = [
        "The text is read once, by the size for which its length is the compute-efficient number "
        f"of characters under the law of {result.basis}.",
        f"× {longest.factor:,} is {longest.characters:,} characters: "
        f"{longest.characters / result.characters_per_step:,.0f} steps of "
        f"{result.characters_per_step:,}, or {longest.characters / GPU_BATCH:,.0f} of "
        f"{GPU_BATCH:,} (an assumption of what suits a GPU; its best learning rate is not known).",
        f"That is {longest.characters / seen:,.0f} times the longest training and "
        f"{longest.parameters / max(row.blocks for row in result.whole):,.0f} times the "
        "largest size: the intervals, wide as they are, assume the form of the law and a text of "
        "the same kind.",
        f"{GPU[0].upper()}{GPU[1:]} is assumed to reach {UTILISATION:.0%} of "
        f"{GPU_FLOP / 1e12:,.0f} TFLOP/s (dense bfloat16, NVIDIA's data sheet of the SXM).",
    ]
    if result.times:
        sentences.append(
            f"Hours here assume the {result.cpu_flop / 1e9:.1f} GFLOP/s of the largest size."
        )
    return sentences
