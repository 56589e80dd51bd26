"""The figures of docs/findings.md that no single run has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.artist import Artist

from nextchar.metrics.truncation import ORACLE
from nextchar.plots.palette import look
from nextchar.plots.style import INK, heading, new_figure, save_figure, style
from nextchar.plots.truncation import truncation_curves
from nextchar.results.labels import with_first
from studies.findings.truth import Quality


def draw_truth(qualities: Mapping[str, Quality], folder: Path, name: str) -> Path:
    """Impossible against lost mass along each family, a panel for each quality."""
    with style():
        figure = new_figure(1.8 + 4.4 * len(qualities), 4.9)
        keys: dict[str, Artist] = {}
        for index, (recipe, each) in enumerate(qualities.items()):
            cutting = (*each.cutting, ORACLE)
            rows = [row for row in each.run.run.truncation if row.family in cutting]
            ax = truncation_curves(rows, figure.add_subplot(1, len(qualities), index + 1))
            heading(ax, f"{recipe} training", f"{each.bits:.3f} bits per character")
            if index:
                ax.set_ylabel("")
            handles, labels = ax.get_legend_handles_labels()
            keys |= dict(zip(labels, handles, strict=True))
        figure.legend(list(keys.values()), list(keys), loc="outside right upper")
        return save_figure(figure, folder, name)


def draw_quality(qualities: Mapping[str, Quality], folder: Path, name: str) -> Path:
    """How much nearer to the truth than pure sampling each family's best setting is."""
    with style():
        figure = new_figure(1.8 + 3.4 * len(qualities), 4.6)
        axes = figure.subplots(1, len(qualities), sharex=True, sharey=True, squeeze=False)[0]
        names = _ordered(list(qualities.values()))
        for ax, (recipe, each) in zip(axes, qualities.items(), strict=True):
            for place, family in enumerate(names):
                gain, shape = each.gain([family]), look(with_first(family, 1))
                ax.plot([gain.low, gain.high], [place] * 2, color=shape.text, linewidth=1.8)
                ax.plot(gain.value, place, color=shape.text, marker=shape.marker)
            ax.axvline(0, color=INK, linewidth=1.2)
            ax.set_yticks(range(len(names)), names)
            ax.set_ylim(len(names) - 0.4, -0.6)
            ax.tick_params(axis="y", length=0, labelcolor=INK)
            ax.set_xlabel("nearer to the truth, total variation")
            heading(ax, f"{recipe} training", f"{each.bits:.3f} bits per character")
        return save_figure(figure, folder, name)


def _ordered(qualities: Sequence[Quality]) -> list[str]:
    first = qualities[0]
    return sorted(first.families, key=lambda family: -first.gain([family]).value)
