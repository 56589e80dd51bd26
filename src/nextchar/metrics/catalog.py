"""Every metric: what it is called, what it says, and the function that computes it.

    @metric("capitals", "share", long="capital letters", ends=("none", "all"))
    def capitals(texts: GeneratedTexts) -> list[float]:
        "Share of the characters that are capital letters."
        return [sum(map(str.isupper, text)) / len(text) for text in texts.texts]

A metric that a plugin defines in this way is in the tables, plots and page of every run that names
the plugin. What the function takes and returns depends on its `kind`:

    texts      GeneratedTexts, all texts of one sampler or reference
    sets       GeneratedTexts, one text for each prompt: for what depends on the number of texts
    positions  Distributions, of one sampler at n positions of held-out text
    truth      the same, where the true distribution is known (`at.true`)

It returns one value for each of R texts or n positions, whose mean is the metric (None or NaN: this
one has no value), or two such sequences, numerators and denominators, whose sums are divided; or
None where the metric does not apply to the sampler. `survival` and `written` are kinds of our own.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, Literal, TypeVar, get_args

from nextchar.config import ConfigError
from nextchar.config.plugins import importing
from nextchar.results import Metric, MetricInfo

Kind = Literal["texts", "sets", "positions", "truth", "survival", "written"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TEXT_KINDS: tuple[Kind, ...] = ("texts", "sets")
Level = Literal["core", "full", "frontier"]
"""When a metric is computed: always, with metrics.level=full, or with metrics.frontier=true."""

Function = TypeVar("Function", bound=Callable[..., Any])

GENERATED = "generated text"
STYLE = "style, beside held-out text"
COPYING = "repetition and copying"
LAYOUT = "layout"
EXACT = "held-out text, exactly"
SURENESS = "kept characters, by how sure the model is"
TRUTH = "the grammar's truth"
"""Groups of metrics: those of a group share a table and a plot."""

BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "share": (0, 1),
    "ratio": (0, 1),
    "bits": (0, None),
    "characters": (0, None),
}
"""Of values with such a unit, where the metric has no bounds of its own."""

ROOM = "nextchar.metrics."
_TEXTS = ("surprise", "repetition", "layout", "copying", "self_bleu", "style", "mauve.frontier")
_POSITIONS = ("exact", "ground_truth", "survival")
ORDER = tuple(f"{ROOM}{name}" for name in (*_TEXTS, *_POSITIONS))
"""Modules in the order of the tables; those of other files of this folder come next, then plugins'.
"""


@dataclass(frozen=True)
class Definition:
    """A metric: its names, and the function that computes it, made of the decorated `source`.

    `plugin` is the name in the config's `plugins`, None for the library's own.
    """

    info: MetricInfo
    function: Callable[..., Any]
    kind: Kind
    level: Level
    exponential: bool
    source: Any
    plugin: str | None = None

    @property
    def file(self) -> str:
        """Where it is defined."""
        return str(self.source.__code__.co_filename)


_definitions: dict[tuple[str | None, str], Definition] = {}
"""By the plugin (None: the library itself) and the metric's name."""


def metric(
    name: str,
    unit: str,
    short: str = "",
    long: str = "",
    ends: tuple[str, str] | None = None,
    *,
    n: Sequence[int] = (),
    kind: Kind = "texts",
    level: Level = "core",
    group: str = "other metrics",
    bounds: tuple[float | None, float | None] | None = None,
    headline: bool = False,
    exponential: bool = False,
    description: str = "",
) -> Callable[[Function], Function]:
    """Define the metric `name` by the decorated function.

    `short` heads a column (newlines allowed), `long` an axis; both are the name by default. `ends`
    says what a low and a high value mean, and `description`, by default the first paragraph of the
    function's docstring, what is measured. `bounds` of the values are by default those of the unit.
    Metrics of one `group` share a table and a plot; a `headline` is in the terminal's table too.
    `exponential`: the metric is 2 to the power of the mean.

    With `n` it is a metric for each of these numbers, which the function takes as `n`; {n} in the
    name and the texts is replaced by the number. Raises ConfigError for an unknown kind or level,
    and for a name that the same module has defined already.
    """

    def define(function: Function) -> Function:
        said = description or (inspect.getdoc(function) or "").partition("\n\n")[0]
        texts = {"name": name, "short": short or name, "long": long or name}
        texts["description"] = " ".join(said.split())
        limits = bounds or BOUNDS.get(unit, (None, None))
        for number in n or (None,):
            own = {key: text.replace("{n}", str(number)) for key, text in texts.items()}
            info = MetricInfo(
                **own, unit=unit, ends=ends, bounds=limits, group=group, headline=headline
            )
            applied = function if number is None else partial(function, n=number)
            _register(Definition(info, applied, kind, level, exponential, function))
        return function

    return define


def _register(definition: Definition) -> None:
    own, name = definition.source, definition.info.name
    ours = own.__module__.startswith(ROOM)
    plugin = None if ours else importing.get()  # it may be the first to import one of our modules
    for key, value, known in (
        ("kind", definition.kind, ("texts", "sets", "positions", "truth")),
        ("level", definition.level, ("core", "full")),
    ):
        if not ours and value not in known:
            raise ConfigError(
                f"plugins: {definition.file}: metric {name!r}: {key}={value!r}: must be one of "
                f"{', '.join(known)}"
            )
    for owner, each in list(_definitions.items()):
        # A plugin's module that is imported again defines its metrics anew, with other globals.
        again = each.plugin == plugin and each.source.__module__ == own.__module__
        if again and each.source.__globals__ is not own.__globals__:
            del _definitions[owner]
    if (plugin, name) in _definitions:
        raise ConfigError(f"plugins: {definition.file}: defines the metric {name!r} twice")
    _definitions[plugin, name] = replace(definition, plugin=plugin)


def defined(
    plugins: Sequence[str] = (), *, kinds: Sequence[Kind] = KINDS, level: Level | None = None
) -> list[Definition]:
    """The library's metrics and those of `plugins`, of some kinds and one level (None: all), in the
    order of the tables. Raises ConfigError where two of them have one name.
    """
    for module in walk_packages([str(Path(__file__).parent)], ROOM):  # only now: they import torch
        importlib.import_module(module.name)
    order = {module: index for index, module in enumerate(ORDER)}
    owners: dict[str, Definition] = {}
    for each in sorted(
        _definitions.values(),
        key=lambda each: (order.get(each.source.__module__, len(order)), each.plugin is not None),
    ):
        if each.plugin in (None, *plugins):
            other = owners.setdefault(each.info.name, each)
            if other is not each:
                raise ConfigError(
                    f"plugins: {each.file}: the metric {each.info.name!r} is defined in "
                    f"{other.file} too; choose another name"
                )
    return [each for each in owners.values() if each.kind in kinds and level in (None, each.level)]


def definitions(metrics: Iterable[Metric], plugins: Sequence[str] = ()) -> list[MetricInfo]:
    """What the metrics of these rows are called and what they say, in the order of the tables."""
    names = {row.metric for row in metrics}
    return [each.info for each in defined(plugins) if each.info.name in names]
