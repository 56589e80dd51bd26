"""Loss and time against size, text and compute: the trainings of the study, and its law."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from nextchar.plots.labels import Tag, place_labels
from nextchar.plots.style import INK, PAPER, SOFT, heading, new_figure, save_figure, style
from studies.scaling.forecast import ScalingResult
from studies.scaling.law import Fit, Law, Shape
from studies.scaling.rows import StepTime, Training

Array = NDArray[np.float64]
Lines = list[list[tuple[float, float]]]
"""Polylines in data coordinates, which labels must not cover."""

RAMP = LinearSegmentedColormap.from_list("ramp", ["#d0902f", "#c4574b", "#7d3559", "#33305e"])
"""From small to large, light to dark, so that it is readable without colours."""
_SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def short(value: float) -> str:
    """Three digits at most: 45k, 1.54M."""
    for unit, suffix in _SUFFIXES:
        if value >= 0.9995 * unit:
            return f"{float(f'{value / unit:.3g}'):g}{suffix}"
    return f"{float(f'{value:.3g}'):g}"


def draw_scaling(result: ScalingResult, folder: Path, name: str) -> Path:
    """Draw loss against compute, parameters and text, and time per step where it was measured."""
    with style():
        figure = new_figure(11.5, 9.0)
        figure.set_layout_engine("constrained", wspace=0.06, hspace=0.06)
        panels = 2 + (result.again is not None) + bool(result.times)
        axes = [figure.add_subplot(2, 2, index + 1) for index in range(panels)]
        labelled = [
            loss_against_compute(result.whole, result.fresh, result.shape, axes[0]),
            loss_against_parameters(result.whole, result.fresh.law, axes[1]),
        ]
        if result.again is not None:
            labelled.append(loss_against_text(result.trainings, result.again.law, axes[2]))
        if result.times:
            labelled.append(time_against_parameters(result.times, axes[-1]))
        for ax, (tags, lines) in zip(axes, labelled, strict=True):
            place_labels(ax, tags, lines, size=8)
    return save_figure(figure, folder, name)


def colors(rows: Sequence[Training] | Sequence[StepTime]) -> dict[int, str]:
    """A colour per size, by the parameters of its blocks: dark is large."""
    sizes = sorted({row.blocks for row in rows})
    reach = max(len(sizes) - 1, 1)
    return {size: to_hex(RAMP(index / reach)) for index, size in enumerate(sizes)}


def loss_against_compute(
    rows: Sequence[Training], fit: Fit, shape: Shape, ax: Axes
) -> tuple[list[Tag], Lines]:
    """Draw the curve of each size, and the envelope: the least loss of any size.

    The band is the envelope's 95% interval. Returns labels to place and lines to avoid.
    """
    tags, lines = [], []
    seen = _reach([row.characters for row in rows], 1.6)
    compute = _reach([row.flop for row in rows], 1.6)
    envelope = _envelope(fit.law, shape, compute)
    band = np.percentile([_envelope(law, shape, compute) for law in fit.resampled], (2.5, 97.5), 0)
    ax.fill_between(compute, band[0], band[1], color=INK, alpha=0.10, linewidth=0, zorder=1)
    ax.plot(compute, envelope, color=INK, linewidth=1.3, linestyle=(0, (4, 3)), zorder=2)
    lines.append(_polyline(compute, envelope))
    limits, middle = _limits(rows, [float(envelope.min())]), len(compute) // 2
    text = "the compute-efficient envelope"
    tags.append(Tag(text, compute[middle], envelope[middle], INK))
    for size, color in colors(rows).items():
        own = [row for row in rows if row.blocks == size]
        flop = seen * float(shape.flop_per_character(size))
        curve = fit.law.loss(size, seen)
        ax.plot(flop, curve, color=color, linewidth=1.5, zorder=3)
        lines.append(_polyline(flop, curve))
        _dots(ax, [row.flop for row in own], [row.last_loss for row in own], color)
        inside = (curve < limits[1]) & (flop > compute[0])
        first = int(inside.argmax())
        tags.append(Tag(short(size), flop[first], curve[first], color, bold=True))
    _log(ax.xaxis, compute)
    ax.set_ylim(*limits)
    ax.set_xlabel("compute of the training, FLOP")
    ax.set_ylabel("validation loss, nats per character")
    heading(ax, "Loss against compute", "one curve per size, named by the parameters of its blocks")
    return tags, lines


def loss_against_parameters(
    rows: Sequence[Training], law: Law, ax: Axes
) -> tuple[list[Tag], Lines]:
    """Draw one curve per number of characters seen."""
    tags, lines = [], []
    sizes = _reach([row.blocks for row in rows], 1.25)
    seen = sorted({row.characters for row in rows})
    for index, characters in enumerate(seen):
        color = to_hex(RAMP(index / max(len(seen) - 1, 1)))
        own = [row for row in rows if row.characters == characters]
        curve = law.loss(sizes, characters)
        ax.plot(sizes, curve, color=color, linewidth=1.5, zorder=3)
        lines.append(_polyline(sizes, curve))
        _dots(ax, [row.blocks for row in own], [row.last_loss for row in own], color)
        text = f"{short(characters)} characters seen"
        tags.append(Tag(text, sizes[len(sizes) // 2], curve[len(sizes) // 2], color, bold=True))
    _log(ax.xaxis, sizes, sorted({row.blocks for row in rows}))
    ax.set_ylim(*_limits(rows, []))
    ax.set_xlabel("parameters of the blocks")
    ax.set_ylabel("validation loss, nats per character")
    heading(
        ax, "Loss against parameters", "one curve per number of steps, each with its own schedule"
    )
    return tags, lines


def loss_against_text(rows: Sequence[Training], law: Law, ax: Axes) -> tuple[list[Tag], Lines]:
    """Draw the sizes that were trained on shares of the text, at the same number of steps.

    Filled dots: after the last step. Hollow dots: at the best step, where that was earlier.
    """
    tags, lines = [], []
    steps = {row.steps for row in rows if row.share < 1}
    sizes = {row.blocks for row in rows if row.share < 1}
    drawn = [row for row in rows if row.steps in steps and row.blocks in sizes]
    texts = _reach([row.distinct for row in drawn], 1.3)
    palette = colors(rows)
    for size in sorted(sizes):
        own = sorted((row for row in drawn if row.blocks == size), key=lambda row: row.distinct)
        curve = law.loss(size, own[0].characters, texts)
        ax.plot(texts, curve, color=palette[size], linewidth=1.5, zorder=3)
        lines.append(_polyline(texts, curve))
        last = [row.last_loss for row in own]
        _dots(ax, [row.distinct for row in own], last, palette[size])
        better = [row for row in own if row.best_loss < row.last_loss]
        ax.plot(
            [row.distinct for row in better],
            [row.best_loss for row in better],
            marker="o",
            markersize=5.5,
            markerfacecolor=PAPER,
            markeredgecolor=palette[size],
            linestyle="none",
            zorder=4,
        )
        tags.append(Tag(short(size), own[0].distinct, last[0], palette[size], bold=True))
    _log(ax.xaxis, texts, sorted({row.distinct for row in drawn}))
    ax.set_xlabel("distinct characters of the training text")
    ax.set_ylabel("validation loss, nats per character")
    seen = " and ".join(short(each) for each in sorted({row.characters for row in drawn}))
    heading(ax, "Loss against text", f"always {seen} characters seen; hollow: at the best step")
    return tags, lines


def time_against_parameters(times: Sequence[StepTime], ax: Axes) -> tuple[list[Tag], Lines]:
    """Draw milliseconds per step against size."""
    palette = colors(times)
    ordered = sorted(times, key=lambda row: row.blocks)
    sizes = [row.blocks for row in ordered]
    milliseconds = [1000 * row.seconds for row in ordered]
    ax.plot(sizes, milliseconds, color=SOFT, linewidth=1.2, zorder=2)
    for row, each in zip(ordered, milliseconds, strict=True):
        _dots(ax, [row.blocks], [each], palette[row.blocks])
    tags = [
        Tag(
            f"{each:.3g} ms, {row.flop / row.seconds / 1e9:.3g} GFLOP/s",
            row.blocks,
            each,
            palette[row.blocks],
        )
        for row, each in zip(ordered, milliseconds, strict=True)
    ]
    _log(ax.xaxis, np.array(_reach(sizes, 1.6)), sizes)
    ax.set_ylim(0, 1.15 * max(milliseconds))
    ax.set_xlabel("parameters of the blocks")
    ax.set_ylabel("milliseconds per step")
    threads = ordered[0].threads
    label = "1 thread" if threads == 1 else f"{threads} threads"
    heading(ax, "Time against parameters", f"{label} of {ordered[0].processor}")
    return tags, [list(zip(sizes, milliseconds, strict=True))]


def _envelope(law: Law, shape: Shape, compute: Array) -> Array:
    """The least loss of any size, for each number of FLOP."""
    sizes = np.geomspace(1e3, 1e9, 400)[:, None]
    characters = compute / shape.flop_per_character(sizes)
    least: Array = law.loss(sizes, characters).min(axis=0)
    return least


def _reach(values: Sequence[float], beyond: float) -> Array:
    """100 values from below the least to above the greatest, evenly on a log scale."""
    return np.geomspace(min(values) / beyond, max(values) * beyond, 100)


def _limits(rows: Sequence[Training], others: Sequence[float]) -> tuple[float, float]:
    losses = [*(row.last_loss for row in rows), *others]
    room = 0.08 * (max(losses) - min(losses))
    return min(losses) - room, max(losses) + room


def _polyline(x: Array, y: Array) -> list[tuple[float, float]]:
    return [(float(each), float(other)) for each, other in zip(x[::5], y[::5], strict=True)]


def _dots(ax: Axes, x: Sequence[float], y: Sequence[float], color: str) -> None:
    ax.plot(
        x,
        y,
        marker="o",
        markersize=6.5,
        markerfacecolor=color,
        markeredgecolor=PAPER,
        markeredgewidth=0.8,
        linestyle="none",
        zorder=5,
    )


def _log(axis: Axis, values: Array, ticks: Sequence[float] = ()) -> None:
    """A logarithmic axis over `values`, with short numbers at `ticks`."""
    axis.axes.set_xscale("log")
    axis.axes.set_xlim(float(values[0]), float(values[-1]))
    if ticks:
        axis.set_major_locator(FixedLocator(list(ticks)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
