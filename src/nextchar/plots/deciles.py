"""Characters kept against how sure the model is: who opens up where the text is open."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter

from nextchar.plots.palette import look
from nextchar.plots.style import PAPER, heading
from nextchar.results import Metric

PREFIX = "kept_in_decile_"


def kept_by_entropy(rows: Sequence[Metric], ax: Axes) -> Axes:
    """Draw a line a sampler over the tenths of the positions, from the surest on; counts are
    logarithmic. Samplers that keep everything everywhere lie on one line."""
    labels = list(dict.fromkeys(row.sampler for row in rows))
    for label in labels:
        own = {
            int(row.metric.removeprefix(PREFIX)): row.value for row in rows if row.sampler == label
        }
        shape = look(label)
        ax.plot(
            list(own),
            list(own.values()),
            color=shape.color,
            marker=shape.marker,
            markersize=5.5,
            markeredgecolor=PAPER,
            markeredgewidth=0.6,
            linewidth=1.3,
            label=label,
        )
    ax.set_yscale("log")
    ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    low, high = ax.get_ylim()
    shown = [tick for tick in ticks if low <= tick <= high]
    ax.set_yticks(shown, [str(tick) for tick in shown])
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_locator(FixedLocator(range(1, 11)))
    ax.set_xlabel("tenth of the held-out positions, from the surest to the least sure")
    ax.set_ylabel("characters kept")
    heading(ax, "What is kept, by how sure the model is", "means over held-out positions")
    legend = ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    legend.set_alignment("left")
    return ax
