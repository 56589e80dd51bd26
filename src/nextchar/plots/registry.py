"""The registry of figures: each is a file of this folder, or of a plugin, that uses `@figure`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from matplotlib.figure import Figure

from nextchar.config import ConfigError
from nextchar.config.plugins import in_one_line
from nextchar.plots.style import NARROW, narrow, save_figure, save_svg, style
from nextchar.results import Run
from nextchar.results.sweep import Sweep
from nextchar.runtime import progress

Words = str | Callable[[Any], str]
"""A text, or a function from the run (or sweep) to it."""
Draw = TypeVar("Draw", bound=Callable[[Any], Figure | None])


@dataclass(frozen=True)
class Plot:
    """A figure on disk: its PNG, with the SVG beside it, its caption and its text alternative, and
    the SVG for a narrow page where there is one."""

    name: str
    png: Path
    caption: str
    alt: str
    narrow: Path | None = None


@dataclass(frozen=True)
class Drawn:
    """The figures that were drawn, and a line for each that failed."""

    plots: Sequence[Plot] = ()
    warnings: Sequence[str] = ()


DrawAll = Callable[[Run, Path], Drawn]
"""Draws every figure of a run into a folder."""


@dataclass(frozen=True)
class _Registered:
    """What `figure` was given; `file` is where the function is defined, `scope` its globals."""

    name: str
    draw: Callable[[Any], Figure | None]
    caption: Words
    alt: Words
    of: type
    each_group: bool
    order: int
    file: Path
    scope: object


_registered: dict[str, _Registered] = {}


def figure(
    name: str,
    caption: Words,
    alt: Words,
    *,
    of: type[Run] | type[Sweep] = Run,
    each_group: bool = False,
    order: int = 1000,
) -> Callable[[Draw], Draw]:
    """Register a function `Run -> Figure | None` (None: nothing to draw) as the figure `name`.

    It is saved as plots/<name>.png and .svg and stands on the page with its caption; `alt` tells
    the same to readers who don't see it. What is made by `new_figure` is drawn for narrow pages
    too. `of=Sweep` makes it a figure of sweeps. With `each_group` it is drawn once for each group
    of metrics, from a run that has no other metrics: the first as `name`, others as `name_group`.
    Figures stand on the page by `order`, then by name.
    Raises ConfigError for a name that is no file name, or that another file's figure has.
    """

    def register(draw: Draw) -> Draw:
        file = Path(inspect.getfile(draw))
        if not re.fullmatch(r"\w+", name):
            raise ConfigError(f"figure {name!r} of {file}: a name has letters, digits and _ only")
        before, scope = _registered.get(name), getattr(draw, "__globals__", None)
        # A plugin that is imported again, being edited, registers its figures again.
        if before and (before.file != file or before.scope is scope):
            raise ConfigError(
                f"figure {name} of {file}: {before.file} has a figure of this name; rename one"
            )
        new = _Registered(name, draw, caption, alt, of, each_group, order, file, scope)
        _registered[name] = new
        return draw

    return register


def import_figures(folders: Iterable[str]) -> None:
    """Import every file of the package's folders, so that its figures are registered."""
    for module in pkgutil.iter_modules(folders, "nextchar.plots."):
        importlib.import_module(module.name)


def draw_all(subject: Run | Sweep, folder: Path) -> Drawn:
    """Draw into `folder` every figure that the run or sweep has the data for.

    A figure that raises, or returns something else, is left out with a warning on the screen and
    in the result: what the run computed is worth more than one of its pictures.
    """
    return gathered(draw_figure(name, subject, folder) for name in names())


def names(*, own: bool | None = None) -> list[str]:
    """The registered figures in their order: all, those of this package (`own`), or the others."""
    here = Path(__file__).parent
    ordered = sorted(_registered.values(), key=lambda each: (each.order, each.name))
    return [each.name for each in ordered if own is None or (each.file.parent == here) == own]


def draw_figure(name: str, subject: Run | Sweep, folder: Path) -> Drawn:
    """Draw one registered figure, in all of its parts."""
    each = _registered[name]
    plots: dict[str, Plot] = {}
    failed = []
    for group, part in _parts(each, subject):
        part_name = f"{name}{group}" if name in plots else name
        try:
            if plot := _draw(each, part_name, part, folder):
                plots[part_name] = plot
        except Exception as error:
            reason = in_one_line(error, each.file)
            failed.append(f"the figure {part_name} could not be drawn: {reason}")
    return Drawn(list(plots.values()), failed)


def gathered(figures: Iterable[Drawn]) -> Drawn:
    """All of them as one, with the warnings on the screen."""
    each = list(figures)
    plots = {plot.name: plot for one in each for plot in one.plots}
    failed = [warning for one in each for warning in one.warnings]
    for warning in failed:
        progress.say(f"warning: {warning}")
    return Drawn(list(plots.values()), failed)


def figures_of(subject: Run | Sweep) -> dict[str, Callable[[], Figure | None]]:
    """What draws each figure of a run or sweep, by the names that `draw_all` gives them."""
    found: dict[str, Callable[[], Figure | None]] = {}
    for each in map(_registered.__getitem__, names()):
        for group, part in _parts(each, subject):
            name = f"{each.name}{group}" if each.name in found else each.name
            found[name] = partial(_figure, each, part)
    return found


def _parts(each: _Registered, subject: Run | Sweep) -> Iterator[tuple[str, Run | Sweep]]:
    """What the figure is drawn from, each with the end of its name."""
    if each.each_group and isinstance(subject, Run):
        for group, rows in subject.by_group().items():
            yield re.sub(r"\W+", "_", f"_{group}"), replace(subject, metrics=rows)
    elif isinstance(subject, each.of):
        yield "", subject


def _draw(each: _Registered, name: str, part: Run | Sweep, folder: Path) -> Plot | None:
    saved = save_forms(partial(_figure, each, part), folder, name)
    if saved is None:
        return None
    words = (each.caption, each.alt)
    caption, alt = (text if isinstance(text, str) else text(part) for text in words)
    return Plot(name, saved[0], caption, alt, saved[1])


def _figure(each: _Registered, part: Run | Sweep) -> Figure | None:
    # Labels are measured while they are placed; what their font lacks is shown when saved.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from")
        drawn: object = each.draw(part)
    if drawn is not None and not isinstance(drawn, Figure):
        raise TypeError(f"returned {drawn!r:.40}; return a matplotlib Figure, or None")
    return drawn


def save_forms(
    draw: Callable[[], Figure | None], folder: Path, name: str
) -> tuple[Path, Path | None] | None:
    """Save what `draw` draws, and its narrow form, `<name>_narrow.svg`, where it is a different
    one; None where nothing is drawn."""
    with style():
        wide = draw()
    if wide is None:
        return None
    png, tall = save_figure(wide, folder, name), None
    if wide.get_figwidth() > NARROW:
        with style(), narrow():
            again = draw()
        if again and again.get_figwidth() <= NARROW:
            tall = save_svg(again, folder, f"{name}_narrow")
    return png, tall
