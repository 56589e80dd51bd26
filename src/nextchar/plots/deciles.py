"""How many characters a sampler keeps, by how certain the model is."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

from nextchar.plots.legend import in_short, place_legend, sampler_entries
from nextchar.plots.marks import belongs, value_mark
from nextchar.plots.palette import look
from nextchar.plots.registry import figure
from nextchar.plots.style import axis_label, figure_of, heading, new_figure
from nextchar.results import MANY, Run

PREFIX = "kept_in_decile_"


@figure(
    "kept_by_entropy",
    "How many characters each sampler keeps where the model is certain, and where it is not.",
    "Mean number of characters kept, by tenth of the held-out positions, one line per sampler.",
    order=30,
)
def draw(run: Run) -> Figure | None:
    """A line per sampler; samplers that keep the same everywhere share one, and their names."""
    rows = [row for row in run.metrics if row.metric.startswith(PREFIX)]
    if not rows or len(run.samplers) > MANY:
        return None
    ax = new_figure(8.5, 4.6).add_subplot()
    lines: dict[tuple[tuple[int, float], ...], list[str]] = {}
    for label in dict.fromkeys(row.sampler for row in rows):
        own = [row for row in rows if row.sampler == label]
        line = ((int(row.metric.removeprefix(PREFIX)), round(row.value, 9)) for row in own)
        lines.setdefault(tuple(line), []).append(label)
    drawn = []
    for points, labels in lines.items():
        (curve,) = ax.plot(*zip(*points, strict=True), **look(labels[0]).curve)
        belongs(curve, labels)
        drawn.append((labels, curve))
        for tenth, kept in points:
            words = f"{in_short(labels)}: {kept:.3g} characters kept in tenth {tenth}"
            value_mark(ax, tenth, kept, labels, words)
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if low <= tick <= high]
    ax.set_yticks(ticks, [str(tick) for tick in ticks])
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_locator(FixedLocator(range(1, 11)))
    axis = axis_label("tenth of the held-out positions, the most certain first")
    ax.set(xlabel=axis, ylabel="characters kept")
    heading(ax, "What is kept, by how certain the model is", "means over held-out positions")
    place_legend(ax, sampler_entries(drawn))
    return figure_of(ax)
