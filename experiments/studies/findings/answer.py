"""The answer: how families of samplers, tuned alike, compare with human text."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from nextchar.metrics.families import PURE
from nextchar.report.families import HEADINGS
from nextchar.results import HUMAN, OVERALL, REFERENCES, FamilyFigure
from studies.findings.finding import LEVEL, Finding, exact_share, shown, table
from studies.findings.runs import PooledRun

BESIDE = ("bits_per_character", "distinct_2", "unknown_words", "judge_bits", "self_bleu_4")
"""Metrics beside the overall distance in the ranking."""


def findings(run: PooledRun) -> list[Finding]:
    """The sentences of the first section."""
    return [
        _overall(run),
        _two_parameters(run),
        _surprise(run),
        _variety(run),
        _tail(run),
        _words(run),
        _loops(run),
    ]


def tied(rows: Sequence[FamilyFigure]) -> list[str]:
    """Families that do not differ significantly from the closest, itself left out."""
    return [row.family for row in rows[1:] if row.level >= LEVEL]


def _overall(run: PooledRun) -> Finding:
    first, *others = run.families("overall", OVERALL)
    inside = [row for row in others if row.value <= first.high]
    outside = "; ".join(f"`{row.family}` {shown(row)}" for row in others if row not in inside)
    return Finding(
        f"**It hardly matters which rule cuts; it matters where the knob stands.** With one "
        f"setting for all metrics, `{first.family}` ends closest to human text (overall distance "
        f"{shown(first)}, `{first.setting}`), but {len(inside)} of the {len(others)} other "
        f"families, tuned alike, end inside its interval. Outside: {outside or 'none'}. After a "
        f"correction for all pairs there is no significant difference from it for "
        f"{len(tied([first, *others]))} of them.",
        len(inside) > len(others) / 2,
    )


def _two_parameters(run: PooledRun) -> Finding:
    rows = run.families("overall", OVERALL)
    pairs = [row for row in rows if " " in row.family]
    single = [row for row in rows if row.settings == min(each.settings for each in rows)]
    better = [row for row in pairs if row.high < single[0].low]
    return Finding(
        f"**A second knob does not help.** A temperature with a truncation, tuned over "
        f"{pairs[0].settings} settings instead of {single[0].settings}, comes to "
        f"{'; '.join(f'{shown(row)} (`{row.setting}`)' for row in pairs)}; the best of one "
        f"parameter, `{single[0].family}`, to {shown(single[0])}.",
        not better,
    )


def _surprise(run: PooledRun) -> Finding:
    human, pure = (run.metric(label, "bits_per_character") for label in (HUMAN, PURE))
    gap = run.difference("bits_per_character", HUMAN, PURE)
    rows = run.families("equal bits", "unknown_words")
    return Finding(
        f"**People are more surprising than the model.** Held-out text costs the model "
        f"{shown(human)} bits per character, text from pure sampling {shown(pure)}: "
        f"{shown(gap)} more. The families "
        f"that reach human surprise at all ({_names([row.family for row in rows])}) pay with "
        f"spelling: at least {rows[0].value:.0%} of their words do not occur in the training text, "
        f"of people's {rows[0].human:.0%}.",
        gap.above and all(row.distance_low > 0 for row in rows) and len(rows) > 0,
    )


def _variety(run: PooledRun) -> Finding:
    rows = run.families("equal diversity", "bits_per_character")
    return Finding(
        f"**Variety and surprise can't both be human.** Where pairs of words are as varied as "
        f"people's, all {len(rows)} families that get there write less surprising text: from "
        f"{shown(rows[-1])} (`{rows[-1].family}`) to {shown(rows[0])} (`{rows[0].family}`) bits "
        f"per character, people {rows[0].human:.2f}.",
        all(row.distance_low > 0 and row.value < row.human for row in rows) and len(rows) > 0,
    )


def _tail(run: PooledRun) -> Finding:
    recall, cut = (run.metric("top_p=0.95", name) for name in ("recall", "cut_mass"))
    return Finding(
        f"**The tail is not noise.** `top_p=0.95` cuts off {shown(cut, 1, percent=True)} of the "
        f"model's mass and with it {1 - recall.value:.1%} [{1 - recall.high:.1%}, "
        f"{1 - recall.low:.1%}] of the characters that people wrote: the model gives its tail too "
        f"little.",
        1 - recall.high > cut.high,
    )


def _words(run: PooledRun) -> Finding:
    human, pure, nucleus = (
        run.metric(label, "unknown_words") for label in (HUMAN, PURE, "top_p=0.95")
    )
    gap = run.difference("unknown_words", PURE, "top_p=0.95")
    return Finding(
        f"**Cutting repairs spelling.** {shown(pure, 1, percent=True)} of the words from pure "
        f"sampling do not occur in the training text, {shown(nucleus, 1, percent=True)} of those "
        f"from `top_p=0.95`, and {shown(human, 1, percent=True)} of people's: the cut "
        f"saves {shown(gap, 1, percent=True)}.",
        gap.above,
    )


def _loops(run: PooledRun) -> Finding:
    labels = [label for label in run.run.samplers if label not in ("greedy", *REFERENCES)]
    rows = [run.metric(label, "loops") for label in labels]
    greedy = run.metric("greedy", "loops")
    parts = [part.value("greedy", "loops") for part in run.parts]
    values = [row.value for row in parts if row]
    free = [row for row in rows if row.value == 0]
    least = exact_share(0, min(row.n for row in free))
    return Finding(
        f"**Greedy decoding loops, and how often depends on the training.** "
        f"{greedy.value:.0%} of its texts end in a repeated phrase, from {min(values):.0%} to "
        f"{max(values):.0%} with single trainings. {len(free)} of the {len(rows)} other "
        f"settings never did in {min(row.n for row in free)} texts, which bounds their share by "
        f"{least.high:.1%}.",
        exact_share(round(greedy.value * greedy.n), greedy.n).low > least.high,
    )


def ranking(run: PooledRun) -> str:
    """All families in the order of their overall distance, with the metrics at that setting."""
    rows = run.families("overall", OVERALL)
    beside = [name for name in BESIDE if run.families("overall", name)]
    header = ["family", "setting", "of", "overall distance", "p"]
    header += [run.run.info(name).long for name in beside]
    lines = []
    for row in rows:
        cells = [f"`{row.family}`", f"`{row.setting}`", str(row.settings), shown(row)]
        cells.append("closest" if row is rows[0] else f"{row.level:.2g}")
        for name in beside:
            found = run.family("overall", name, row.family)
            cells.append(shown(found) if found else "–")
        lines.append(cells)
    people = [f"{run.families('overall', name)[0].human:.2f}" for name in beside]
    return table(header, [*lines, ["**human text**", "", "", "0", "", *people]])


def points_table(run: PooledRun) -> str:
    """Who is closest at each kind of point, over the metrics."""
    lines = []
    for kind, heading in HEADINGS.items():
        metrics = list(dict.fromkeys(r.metric for r in run.run.families if r.kind == kind))
        metrics = [name for name in metrics if name != OVERALL]
        every = [run.families(kind, name) for name in metrics]
        every = [rows for rows in every if len(rows) > 1]
        if not every:
            continue
        alone = [rows[0].family for rows in every if not tied(rows)]
        share = statistics.median(1 + len(tied(rows)) for rows in every)
        families = max(len(rows) for rows in every)
        single = (
            ", ".join(f"`{name}` {alone.count(name)}" for name in dict.fromkeys(alone)) or "none"
        )
        lines.append([heading, str(families), str(len(every)), f"{share:g}", single])
    header = (
        "settings",
        "families",
        "metrics",
        "median tied for closest",
        "alone closest (metrics)",
    )
    return table(header, lines)


def _names(families: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in families)
