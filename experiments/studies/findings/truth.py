"""Where the truth is known: what cutting removes and loses, and whether it pays, by model quality.

Everything here is exact along held-out text, so that the only noise is that of training again:
intervals are Student's over the trainings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nextchar.metrics.families import PURE
from nextchar.metrics.truncation import ORACLE
from nextchar.results import Truncation
from nextchar.results.labels import label_names, with_first
from nextchar.samplers import Sampler, registered
from studies.findings.finding import Estimate, Finding, HasInterval, over_seeds, shown, table
from studies.findings.runs import PooledRun

LOST = 0.01
"""True mass cut off at which families are compared."""

TEMPERATURES = ("temperature", "dynamic_temperature")
"""Families that cut nothing."""

Rows = Sequence[Truncation]


@dataclass(frozen=True)
class Quality:
    """A recipe, its runs on the grammar and their mean validation loss in bits per character."""

    recipe: str
    run: PooledRun

    @property
    def bits(self) -> float:
        loss: float = self.run.run.manifest["model"]["validation_loss"]
        return loss / float(np.log(2))

    def over_seeds(self, figure: Callable[[Rows], float]) -> Estimate:
        """A figure of truncation.csv, with each training."""
        return over_seeds([figure(rows) for rows in self.run.truncation_by_seed()])

    @property
    def families(self) -> list[str]:
        """All that have a curve."""
        found = dict.fromkeys(row.family for row in self.run.run.truncation)
        return [name for name in found if name != ORACLE]

    @property
    def against_repetition(self) -> list[str]:
        """Families that make improbable what was read before."""
        kinds = registered(Sampler)
        names = {family: label_names(with_first(family, 1))[0] for family in self.families}
        return [family for family, name in names.items() if kinds[name].stateful]

    @property
    def cutting(self) -> list[str]:
        """Families that cut something, beyond what a temperature near 0 does."""
        families = dict.fromkeys(r.family for r in self.run.run.truncation if r.lost > 0.001)
        return [name for name in families if name not in (*TEMPERATURES, ORACLE)]

    def best(self, families: Sequence[str]) -> Truncation:
        """The setting nearest to the truth in total variation."""
        rows = [row for row in self.run.run.truncation if row.family in families]
        return min(rows, key=lambda row: row.distance)

    def gain(self, families: Sequence[str]) -> Estimate:
        """By how much the best setting is nearer to the truth than pure sampling."""
        best = self.best(families)
        return self.over_seeds(
            lambda rows: (
                _at(rows, "temperature", 1.0).distance
                - _at(rows, best.family, best.parameter).distance
            )
        )

    def impossible_at(self, family: str, lost: float = LOST) -> Estimate:
        """Impossible mass where the family cuts off so much of the truth; NaN where it can't."""
        return self.over_seeds(lambda rows: interpolated(rows, family, lost))

    def more_impossible(self, family: str, other: str) -> Estimate:
        """By how much more impossible mass a family leaves than another one at equal lost mass."""
        return self.over_seeds(
            lambda rows: interpolated(rows, family, LOST) - interpolated(rows, other, LOST)
        )


def _at(rows: Rows, family: str, parameter: float) -> Truncation:
    (row,) = (row for row in rows if (row.family, row.parameter) == (family, parameter))
    return row


def interpolated(rows: Rows, family: str, lost: float) -> float:
    """Impossible mass of a family where its lost mass is `lost`, linearly between two settings; NaN
    where it never is. The oracle need not lose so much: there it is that of its last setting."""
    own = sorted((row.lost, row.impossible) for row in rows if row.family == family)
    x, y = np.array(own).T
    if lost < x[0] or (lost > x[-1] and family != ORACLE):
        return float("nan")
    return float(np.interp(lost, x, y))


def findings(qualities: Mapping[str, Quality], main: Quality) -> list[Finding]:
    """What holds at the default quality, and what changes with the quality."""
    pure = main.run.truncation("temperature", 1.0)
    surest = main.run.truncation("top_k", 1.0)
    found = [
        Finding(
            f"The errors are not only in the tail. The model gives "
            f"{_part(pure, 'impossible')} of its mass to characters that can't come, and where "
            f"it is made to choose its most probable one (`top_k=1`), that is impossible at "
            f"{_part(surest, 'impossible')} of the positions.",
            pure.impossible_low > 0 and surest.impossible_low > 0.25 * pure.impossible,
        )
    ]
    at = {name: main.impossible_at(name) for name in main.cutting}
    at = {name: each for name, each in at.items() if not np.isnan(each.value)}
    order = sorted(at, key=lambda name: at[name].value)
    oracle = main.impossible_at(ORACLE)
    gaps = {name: main.more_impossible(name, order[0]) for name in order[1:]}
    more = [name for name, gap in gaps.items() if gap.above]
    found.append(
        Finding(
            f"Where each has cut off {LOST:.0%} of the true distribution, `{order[0]}` leaves the "
            f"least impossible mass, {shown(at[order[0]], percent=True)} (pure sampling "
            f"{pure.impossible:.2%}), and `{order[-1]}` the most, "
            f"{shown(at[order[-1]], percent=True)}; {len(more)} of the {len(gaps)} other families "
            f"leave significantly more. A cut that knows the truth, but must keep the model's "
            f"most probable characters, leaves {shown(oracle, percent=True)}: the model's ranking "
            f"contains more than any of these rules uses.",
            oracle.high < min(each.low for each in at.values()),
        )
    )
    found += _pays(qualities)
    if names := main.against_repetition:
        gains = [main.gain([name]) for name in names]
        farther = [-gain.value for gain in gains]
        settings = ", ".join(_setting(main.best([name])) for name in names)
        tried = sum(row.family in names for row in main.run.run.truncation)
        found.append(
            Finding(
                f"Making improbable what was read before moves away from the truth: of {tried} "
                f"settings of {len(names)} families none comes as near as pure sampling. At those "
                f"that come nearest ({settings}) the distance is larger by {min(farther):.4f} to "
                f"{max(farther):.4f}.",
                all(gain.below for gain in gains),
            )
        )
    return found


def _setting(row: Truncation) -> str:
    return f"`{with_first(row.family, row.parameter)}`"


def _pays(qualities: Mapping[str, Quality]) -> list[Finding]:
    """Whether cutting, and cooling, come nearer to the truth than pure sampling."""
    cut = {name: each.gain(each.cutting) for name, each in qualities.items()}
    cool = {name: each.gain(["temperature"]) for name, each in qualities.items()}
    found = []
    names = sorted(qualities, key=lambda name: -qualities[name].bits)
    worst, best = names[0], names[-1]
    for name in names:
        each = qualities[name]
        row, cooler = each.best(each.cutting), each.best(["temperature"])
        verdict, pure = _verdict(cut[name]), each.run.truncation("temperature", 1.0)
        heat = "the best temperature is 1"
        if cooler.parameter != 1:
            heat = f"the best temperature, {cooler.parameter:g}, {_verdict(cool[name])}"
            heat += f" (nearer by {shown(cool[name], 4)})"
        found.append(
            Finding(
                f"{name.capitalize()} training ({each.bits:.3f} bits per character; pure sampling "
                f"is {pure.distance:.3f} from the truth in total variation): the best cut, "
                f"`{row.family}={row.parameter:g}`, {verdict} (nearer by "
                f"{shown(cut[name], 4)}); {heat}.",
                True,
            )
        )
    if len(names) > 1:
        shrinks = cut[best].high < cut[worst].low
        grows = cut[best].low > cut[worst].high
        found.append(
            Finding(
                f"What the best cut gains {'shrinks' if shrinks else 'grows'} as the model gets "
                f"better: from {shown(cut[worst], 4)} ({worst}) to {shown(cut[best], 4)} ({best}).",
                shrinks or grows,
            )
        )
    return found


def _verdict(gain: Estimate) -> str:
    if gain.above:
        return "comes nearer to the truth than pure sampling"
    return (
        "moves away from the truth"
        if gain.below
        else "does not differ significantly from pure sampling"
    )


def _part(row: Truncation, column: str) -> str:
    ends = (getattr(row, f"{column}{end}") for end in ("", "_low", "_high"))
    return shown(Estimate(*ends), percent=True)


def quality_table(qualities: Mapping[str, Quality]) -> str:
    """For each family the impossible mass at equal lost mass, by quality, beside the oracle."""
    main = max(qualities.values(), key=lambda each: len(each.run.parts))
    columns = {
        name: {family: each.impossible_at(family) for family in (*main.cutting, ORACLE)}
        for name, each in qualities.items()
    }
    last = list(qualities)[-1]
    order = sorted(
        main.cutting,
        key=lambda name: (np.isnan(columns[last][name].value), columns[last][name].value),
    )
    pure = [
        _part(each.run.truncation("temperature", 1.0), "impossible") for each in qualities.values()
    ]
    rows = [
        [name if name == ORACLE else f"`{name}`"]
        + [
            "–" if np.isnan(own[name].value) else shown(own[name], percent=True)
            for own in columns.values()
        ]
        for name in (*order, ORACLE)
    ]
    return table(_header(qualities), [*rows, ["*pure sampling, nothing lost*", *pure]])


def nearest_table(qualities: Mapping[str, Quality], main: Quality) -> str:
    """For each family the setting that comes nearest to the truth, and how much nearer it is than
    pure sampling."""
    order = sorted(main.families, key=lambda family: -main.gain([family]).value)
    rows = [
        [f"`{family}`"]
        + [
            f"{_setting(each.best([family]))}: {shown(each.gain([family]), 4)}"
            for each in qualities.values()
        ]
        for family in order
    ]
    return table(_header(qualities), rows)


def _header(qualities: Mapping[str, Quality]) -> list[str]:
    return ["family", *(f"{name}, {each.bits:.3f} bits" for name, each in qualities.items())]


def searches_table(main: Quality) -> str:
    """What the grammar says of the texts of what can't be followed along held-out text."""
    run, kinds = main.run, registered(Sampler)
    corrected = [
        label
        for label in run.run.samplers
        if any(kinds[name].state_uses_logits for name in label_names(label) if name in kinds)
    ]
    labels = [*corrected, *run.run.manifest["without_exact_distribution"], PURE]
    metrics = ("impossible_rate", "possible_64", "distinct_2")
    header = ["decoder", "goes wrong, per character", "possible after 64 characters", "distinct-2"]
    rows = [
        [
            f"`{label}`",
            *(shown(_share(run.metric(label, name)), percent=True) for name in metrics[:2]),
            shown(_share(run.metric(label, metrics[2]))),
        ]
        for label in labels
    ]
    return table(header, rows)


def _share(row: HasInterval) -> Estimate:
    """The interval within the bounds of a share."""
    return Estimate(row.value, max(row.low, 0.0), min(row.high, 1.0))
