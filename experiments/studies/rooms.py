"""The rooms of the library and which of them import which, read from the code and drawn.

A room is a package or module directly below nextchar; `hydra_plugins` is one as well. An arrow from
one room to another says that the first imports the second. Arrows that follow from others are left
out: the picture is the transitive reduction.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import grimp
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve

from nextchar.plots.style import INK, PAPER, SOFT, new_figure, style
from nextchar.runtime import files

Graph = Mapping[str, Collection[str]]
"""The rooms that each room imports."""
Node = tuple[str, ...]
"""A room, or an arrow's (from, to, row) where it passes a row."""
Point = tuple[float, float]

WIDTH, HEIGHT = 0.92, 0.66
"""Of a box, where rooms of one row are 1 apart, and rows are 1 apart."""
SWEEPS = 8
"""Of the ordering: each moves a room to the middle of its neighbours."""


def imports() -> dict[str, set[str]]:
    """Each room and the other rooms that it imports."""
    graph = grimp.build_graph("nextchar", "hydra_plugins.nextchar_sweeps")
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        room = room_of(module)
        if room:
            others = map(room_of, graph.find_modules_directly_imported_by(module))
            found.setdefault(room, set()).update(each for each in others if each not in ("", room))
    return found


def room_of(module: str) -> str:
    """`models` for nextchar.models.cache; empty for nextchar itself."""
    if not module.startswith("nextchar"):
        return module.partition(".")[0]
    return module.split(".")[1] if "." in module else ""


def reduced(graph: Graph) -> dict[str, set[str]]:
    """The graph without arrows that follow from others."""

    def reached(room: str) -> set[str]:
        return {room}.union(*map(reached, graph[room]))

    return {
        room: {each for each in own if not any(each in reached(other) for other in {*own} - {each})}
        for room, own in graph.items()
    }


def rows(graph: Graph) -> dict[str, int]:
    """The row of each room: one above the highest of those that it imports."""

    def row(room: str) -> int:
        return 1 + max(map(row, graph[room]), default=-1)

    return {room: row(room) for room in graph}


def what(room: str) -> str:
    """What a room says of itself: the beginning of its docstring."""
    root = Path(__file__).parents[2] / "src"
    folder = root / ("hydra_plugins/nextchar_sweeps" if room == "hydra_plugins" else "nextchar")
    places = [folder / room / "__init__.py", folder / f"{room}.py", folder / "__init__.py"]
    source = next(place for place in places if place.exists()).read_text(encoding="utf-8")
    line = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    return line.partition(":")[0].partition(";")[0].rstrip(".")


def description(graph: Graph) -> str:
    """The graph as a line; the picture carries it, so that an old picture can be recognised."""
    return "; ".join(f"{room}: {' '.join(sorted(graph[room]))}" for room in sorted(graph))


def draw(path: Path) -> Path:
    """Draw the rooms to a PNG; the same code gives the same bytes."""
    graph = reduced(imports())
    places, bends = _layout(graph)
    widest = max(x for x, _ in places.values()) + 1
    highest = max(y for _, y in places.values()) + 1
    with style():
        figure = new_figure(1.75 * widest, 0.86 * highest)
        ax = figure.add_subplot()
        ax.set_axis_off()
        ax.set_xlim(-0.5, widest - 0.5)
        ax.set_ylim(-0.5, highest - 0.5)
        for room in sorted(graph):
            for other in sorted(graph[room]):
                _arrow(ax, [places[room], *bends[room, other], places[other]])
        for room, (x, y) in sorted(places.items()):
            _box(ax, room, x, y)
        with files.replacing(path) as temporary:
            metadata = {"Software": None, "Description": description(graph)}
            figure.savefig(temporary, format="png", dpi=110, metadata=metadata)
    return path


def _layout(graph: Graph) -> tuple[dict[str, Point], dict[tuple[str, str], list[Point]]]:
    """The place of each room, and the points between rooms through which each arrow bends.

    An arrow that passes rows has a place of its own in each of them, so that it crosses no box.
    """
    row = rows(graph)
    nodes: list[list[Node]] = [[] for _ in range(max(row.values()) + 1)]
    for room in sorted(graph):
        nodes[row[room]].append((room,))
    chains: dict[tuple[str, str], list[Node]] = {}
    for room in sorted(graph):
        for other in sorted(graph[room]):
            passed = range(row[room] - 1, row[other], -1)
            chains[room, other] = [(room, other, str(level)) for level in passed]
            for level, node in zip(passed, chains[room, other], strict=True):
                nodes[level].append(node)
    links = [
        link
        for (room, other), chain in chains.items()
        for link in pairwise([(room,), *chain, (other,)])
    ]
    x = {node: float(index) for own in nodes for index, node in enumerate(own)}
    for sweep in range(SWEEPS):
        for own in nodes if sweep % 2 else reversed(nodes):
            _order(own, links, x)
    widest = max(map(len, nodes))
    for own in nodes:
        for index, node in enumerate(own):
            x[node] = index + (widest - len(own)) / 2
    places = {room: (x[room,], float(row[room])) for room in graph}
    bends = {ends: [(x[node], float(node[2])) for node in own] for ends, own in chains.items()}
    return places, bends


def _order(level: list[Node], links: Iterable[tuple[Node, Node]], x: dict[Node, float]) -> None:
    """Sort a row by the mean place of what its nodes are linked to."""
    middle = {}
    for node in level:
        near = [x[b] if a == node else x[a] for a, b in links if node in (a, b)]
        middle[node] = sum(near) / len(near) if near else x[node]
    level.sort(key=lambda node: (middle[node], node))
    for index, node in enumerate(level):
        x[node] = index - (len(level) - 1) / 2


def _arrow(ax: Axes, points: list[Point]) -> None:
    """A smooth line from the bottom of the first box to the top of the last."""
    (x0, y0), *between, (x1, y1) = points
    half = HEIGHT / 2
    ends = [(x0, y0 - half), *((x, y + s) for x, y in between for s in (half, -half))]
    ends.append((x1, y1 + half))
    vertices, codes = [ends[0]], [Curve.MOVETO]
    for (xa, ya), (xb, yb) in pairwise(ends):
        middle = (ya + yb) / 2
        vertices += [(xa, middle), (xb, middle), (xb, yb)]
        codes += [Curve.CURVE4] * 3
    line = PathPatch(Curve(vertices, codes), facecolor="none", edgecolor=SOFT, linewidth=0.9)
    ax.add_patch(line)
    ax.plot(x1, y1 + HEIGHT / 2 + 0.03, marker="v", color=SOFT, markersize=5, linestyle="none")


def _box(ax: Axes, room: str, x: float, y: float) -> None:
    corner = (x - WIDTH / 2, y - HEIGHT / 2)
    ax.add_patch(
        FancyBboxPatch(
            corner,
            WIDTH,
            HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=PAPER,
            edgecolor=SOFT,
            linewidth=1.0,
            zorder=3,
        )
    )
    ax.text(x, y + 0.18, room, ha="center", va="center", weight="bold", color=INK, zorder=4)
    text = textwrap.fill(textwrap.shorten(what(room), 52, placeholder=" …"), 27)
    ax.text(x, y - 0.11, text, ha="center", va="center", fontsize=6.5, color=SOFT, zorder=4)
