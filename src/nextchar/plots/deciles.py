"""How many characters a sampler keeps, by how certain the model is."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

from nextchar.plots.marks import belongs, value_mark
from nextchar.plots.palette import look
from nextchar.plots.registry import figure
from nextchar.plots.style import figure_of, heading, legend_beside, new_figure
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
    for points, labels in lines.items():
        shape = look(labels[0]).line
        belongs(ax.plot(*zip(*points, strict=True), **shape, label=",\n".join(labels)), labels)
        for tenth, kept in points:
            words = f"{', '.join(labels)}: {kept:.3g} characters kept in tenth {tenth}"
            value_mark(ax, tenth, kept, labels, words)
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if low <= tick <= high]
    ax.set_yticks(ticks, [str(tick) for tick in ticks])
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_locator(FixedLocator(range(1, 11)))
    axis = "tenth of the held-out positions, from the most to the least certain"
    ax.set(xlabel=axis, ylabel="characters kept")
    heading(ax, "What is kept, by how certain the model is", "means over held-out positions")
    legend_beside(ax)
    return figure_of(ax)
