"""How loss and time follow size, text and compute: the trainings of the study, and its law."""

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
from studies.scaling.forecast import Study
from studies.scaling.law import Fit, Law, Shape
from studies.scaling.rows import StepTime, Training

Array = NDArray[np.float64]
Lines = list[list[tuple[float, float]]]
"""Polylines in data coordinates, for labels to keep off."""

RAMP = LinearSegmentedColormap.from_list("ramp", ["#d0902f", "#c4574b", "#7d3559", "#33305e"])
"""From small to large, light to dark: told apart without colours, too."""
_SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def short(value: float) -> str:
    """Three digits at most: 45k, 1.54M."""
    for unit, suffix in _SUFFIXES:
        if value >= 0.9995 * unit:
            return f"{float(f'{value / unit:.3g}'):g}{suffix}"
    return f"{float(f'{value:.3g}'):g}"


def draw_scaling(study: Study, folder: Path, name: str) -> Path:
    """Draw the study: loss against compute, parameters and text; time a step where it was taken."""
    with style():
        figure = new_figure(11.5, 9.0)
        figure.set_layout_engine("constrained", wspace=0.06, hspace=0.06)
        panels = 2 + (study.again is not None) + bool(study.times)
        axes = [figure.add_subplot(2, 2, place + 1) for place in range(panels)]
        labelled = [
            loss_against_compute(study.whole, study.fresh, study.shape, axes[0]),
            loss_against_parameters(study.whole, study.fresh.law, axes[1]),
        ]
        if study.again is not None:
            labelled.append(loss_against_text(study.trainings, study.again.law, axes[2]))
        if study.times:
            labelled.append(time_against_parameters(study.times, axes[-1]))
        for ax, (tags, lines) in zip(axes, labelled, strict=True):
            place_labels(ax, tags, lines, size=8)
    return save_figure(figure, folder, name)


def colors(rows: Sequence[Training] | Sequence[StepTime]) -> dict[int, str]:
    """A colour a size, by the parameters of its blocks: dark is large."""
    sizes = sorted({row.blocks for row in rows})
    reach = max(len(sizes) - 1, 1)
    return {size: to_hex(RAMP(index / reach)) for index, size in enumerate(sizes)}


def loss_against_compute(
    rows: Sequence[Training], fit: Fit, shape: Shape, ax: Axes
) -> tuple[list[Tag], Lines]:
    """Draw each size along its own number of characters, and the envelope that no size is below.

    The band is the envelope's 95% interval. Returns labels to be placed and lines to keep off.
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
        flop = seen * float(shape.flop_a_character(size))
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
    ax.set_ylabel("validation loss, nats a character")
    heading(ax, "Loss against compute", "a curve a size, named by the parameters of its blocks")
    return tags, lines


def loss_against_parameters(
    rows: Sequence[Training], law: Law, ax: Axes
) -> tuple[list[Tag], Lines]:
    """Draw each number of characters seen along the sizes."""
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
    ax.set_ylabel("validation loss, nats a character")
    heading(ax, "Loss against parameters", "a curve a number of steps, each its own schedule")
    return tags, lines


def loss_against_text(rows: Sequence[Training], law: Law, ax: Axes) -> tuple[list[Tag], Lines]:
    """Draw the sizes that were trained on shares of the text, at the same number of steps.

    Filled: after the last step. Hollow: at the best step, where that was earlier.
    """
    tags, lines = [], []
    steps = {row.steps for row in rows if row.share < 1}
    tried = {row.blocks for row in rows if row.share < 1}
    drawn = [row for row in rows if row.steps in steps and row.blocks in tried]
    texts = _reach([row.distinct for row in drawn], 1.3)
    palette = colors(rows)
    for size in sorted(tried):
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
    ax.set_ylabel("validation loss, nats a character")
    told = " and ".join(short(each) for each in sorted({row.characters for row in drawn}))
    heading(ax, "Loss against text", f"always {told} characters seen; hollow: at the best step")
    return tags, lines


def time_against_parameters(times: Sequence[StepTime], ax: Axes) -> tuple[list[Tag], Lines]:
    """Draw milliseconds a step along the sizes."""
    palette = colors(times)
    ordered = sorted(times, key=lambda row: row.blocks)
    sizes = [row.blocks for row in ordered]
    taken = [1000 * row.seconds for row in ordered]
    ax.plot(sizes, taken, color=SOFT, linewidth=1.2, zorder=2)
    for row, milliseconds in zip(ordered, taken, strict=True):
        _dots(ax, [row.blocks], [milliseconds], palette[row.blocks])
    tags = [
        Tag(
            f"{milliseconds:.3g} ms, {row.flop / row.seconds / 1e9:.3g} GFLOP/s",
            row.blocks,
            milliseconds,
            palette[row.blocks],
        )
        for row, milliseconds in zip(ordered, taken, strict=True)
    ]
    _log(ax.xaxis, np.array(_reach(sizes, 1.6)), sizes)
    ax.set_ylim(0, 1.15 * max(taken))
    ax.set_xlabel("parameters of the blocks")
    ax.set_ylabel("milliseconds a step")
    threads = ordered[0].threads
    told = "1 thread" if threads == 1 else f"{threads} threads"
    heading(ax, "Time against parameters", f"{told} of {ordered[0].processor}")
    return tags, [list(zip(sizes, taken, strict=True))]


def _envelope(law: Law, shape: Shape, compute: Array) -> Array:
    """The least loss of any size for each number of FLOP."""
    sizes = np.geomspace(1e3, 1e9, 400)[:, None]
    characters = compute / shape.flop_a_character(sizes)
    least: Array = law.loss(sizes, characters).min(axis=0)
    return least


def _reach(values: Sequence[float], beyond: float) -> Array:
    """100 values from the least to the greatest and somewhat beyond, evenly on a log scale."""
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
    """A logarithmic axis over `values`, with ticks as people say them."""
    axis.axes.set_xscale("log")
    axis.axes.set_xlim(float(values[0]), float(values[-1]))
    if ticks:
        axis.set_major_locator(FixedLocator(list(ticks)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
