"""Every metric: what it is called, what it says, and the function that computes it.

    @metric("capitals", unit="share", long="capital letters", ends=("none", "all"))
    def capitals(texts: GeneratedTexts) -> list[float]:
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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from nextchar.config import ConfigError
from nextchar.config.plugins import importing
from nextchar.results import Metric, MetricInfo, info_of

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

MODULES = tuple(
    f"nextchar.metrics.{name}"
    for name in (
        "surprise",
        "repetition",
        "layout",
        "copying",
        "self_bleu",
        "style",
        "mauve.frontier",
        "exact",
        "ground_truth",
        "survival",
    )
)
"""Where the library's metrics are defined, in the order of the tables; plugins' come after them."""


@dataclass(frozen=True)
class Definition:
    """A metric: its names, its function, and the plugin (as in `plugins`) that defines it.

    `variables` are those of its module, which are others once the module is imported again.
    """

    info: MetricInfo
    function: Callable[..., Any]
    kind: Kind
    level: Level
    exponential: bool
    plugin: str | None
    module: str
    file: str
    variables: dict[str, Any]


_definitions: dict[tuple[str | None, str], Definition] = {}
"""By the plugin (None: the library itself) and the metric's name."""


def metric(
    name: str,
    *,
    unit: str,
    kind: Kind = "texts",
    level: Level = "core",
    short: str | None = None,
    long: str | None = None,
    description: str = "",
    ends: tuple[str, str] | None = None,
    bounds: tuple[float | None, float | None] | None = None,
    group: str = "other metrics",
    headline: bool = False,
    exponential: bool = False,
) -> Callable[[Function], Function]:
    """Define the metric `name` by the decorated function.

    `short` heads a column (newlines allowed) and `long` an axis; both are the name by default.
    `ends` says what a low and a high value mean; `bounds` are by default those of the unit. Metrics
    of one `group` share a table and a plot; a `headline` is in the terminal's table too.
    `exponential`: the metric is 2 to the power of the mean. Raises ConfigError for a name that the
    same module has defined already.
    """
    info = MetricInfo(
        name=name,
        unit=unit,
        short=short or name,
        long=long or name,
        description=description,
        ends=ends,
        bounds=bounds or BOUNDS.get(unit, (None, None)),
        group=group,
        headline=headline,
    )

    def define(function: Function) -> Function:
        own = getattr(function, "func", function)  # the function of a partial
        key, file = (importing.get(), name), own.__code__.co_filename
        known = _definitions.get(key)
        if known is not None and known.variables is own.__globals__:
            raise ConfigError(f"plugins: {file}: defines the metric {name!r} twice; rename one")
        _definitions[key] = Definition(
            info, function, kind, level, exponential, key[0], own.__module__, file, own.__globals__
        )
        return function

    return define


def defined(
    plugins: Sequence[str] = (), *, kinds: Sequence[Kind] = KINDS, level: Level | None = None
) -> list[Definition]:
    """The library's metrics and those of `plugins`, of some kinds and one level (None: all), in the
    order of the tables. Raises ConfigError where two of them have one name.
    """
    owners: dict[str, Definition] = {}
    for each in _all():
        if each.plugin in (None, *plugins):
            other = owners.setdefault(each.info.name, each)
            if other is not each:
                raise ConfigError(
                    f"plugins: {each.file}: the metric {each.info.name!r} is defined in "
                    f"{other.file} too; choose another name"
                )
    return [each for each in owners.values() if each.kind in kinds and level in (None, each.level)]


def _all() -> list[Definition]:
    """Every definition, the library's first; only now the modules of those are imported."""
    for module in MODULES:
        importlib.import_module(module)
    order = {module: place for place, module in enumerate(MODULES)}
    return sorted(_definitions.values(), key=lambda each: order.get(each.module, len(order)))


def definitions(metrics: Iterable[Metric], plugins: Sequence[str] = ()) -> list[MetricInfo]:
    """What the metrics of these rows are called and what they say, in the order of the tables."""
    names = {row.metric for row in metrics}
    return [each.info for each in defined(plugins) if each.info.name in names]


def title_of(metric: str) -> MetricInfo:
    """The names of `metric`; its key stands for all of them where it is not known."""
    return info_of({each.info.name: each.info for each in _all()}, metric)
