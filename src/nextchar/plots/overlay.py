"""The trainings of several runs in one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nextchar.plots.registry import Plot
from nextchar.plots.style import heading, new_figure, save_figure, style
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
    with style():
        ax = new_figure(8.5, 4.2).add_subplot()
        for index, (name, points) in enumerate(known.items()):
            if points:
                color = COLORS[index % len(COLORS)]
                ax.plot(*zip(*points, strict=True), "o-", color=color, markersize=3.5, label=name)
        ax.set(xlabel="step", ylabel="validation loss, nats per character")
        heading(ax, "Trainings")
        ax.legend(loc="upper right")
        png = save_figure(ax.figure, folder, "validation_losses")  # type: ignore[arg-type]
    ends = "; ".join(f"{name} {points[-1][1]:.3f}" for name, points in known.items() if points)
    return [Plot("validation_losses", png, "Validation loss of each run.", f"Last losses: {ends}.")]
