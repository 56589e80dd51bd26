"""The trainings of several runs in one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from nextchar.plots.registry import Plot, save_forms
from nextchar.plots.style import figure_of, heading, new_figure
from nextchar.results import TrainingRecord

COLORS = ("#3f7fc4", "#c2552d", "#2f8f6b", "#8a4fa3", "#b08a1e", "#5b6470")
"""Of the runs, in their order; from the seventh on they begin again."""


def validation_losses(
    trainings: Mapping[str, Sequence[TrainingRecord]], folder: Path
) -> list[Plot]:
    """Draw the validation loss of each run by step into `folder`; nothing where none has one."""
    known = {
        name: [(row.step, row.val_loss) for row in records if row.val_loss is not None]
        for name, records in trainings.items()
    }
    if not any(known.values()):
        return []

    def draw() -> Figure:
        ax = new_figure(8.5, 4.2).add_subplot()
        for index, (name, points) in enumerate(known.items()):
            if points:
                color = COLORS[index % len(COLORS)]
                ax.plot(*zip(*points, strict=True), "o-", color=color, markersize=3.5, label=name)
        ax.set(xlabel="step", ylabel="validation loss, nats per character")
        heading(ax, "Trainings")
        ax.legend(loc="upper right")
        return figure_of(ax)

    name = "validation_losses"
    saved = save_forms(draw, folder, name)
    assert saved
    png, tall = saved
    ends = "; ".join(f"{run} {points[-1][1]:.3f}" for run, points in known.items() if points)
    return [Plot(name, png, "Validation loss of each run.", f"Last losses: {ends}.", tall)]
