"""The sentences of docs/findings.md about the default comparison, the grammar and the curves."""

from __future__ import annotations

from nextchar.report.standing import standings
from nextchar.results import HUMAN, HUMAN_TRAINING, JUDGE
from studies.findings.finding import CitedRun, Finding, format_column, format_interval, format_row

PURE, NUCLEUS = "temperature=1", "top_p=0.95"
LEVEL = 0.05
"""Of significance, for p values corrected by Holm's method."""


def default_findings(run: CitedRun) -> list[Finding]:
    """Findings of the default run with metrics=full."""
    return [
        _surprise(run),
        _epsilon_perplexity(run),
        _tail(run),
        _loops(run),
        _words(run),
        _judge(run),
        _closest(run),
    ]


def _surprise(run: CitedRun) -> Finding:
    human, pure = (run.metric(label, "bits_per_character") for label in (HUMAN, PURE))
    others = [run.metric(label, "bits_per_character") for label in run.samplers]
    return Finding(
        f"No sampler writes text as surprising as people's: held-out text costs the model "
        f"{format_row(human)} bits per character, text from pure sampling {format_row(pure)}, and "
        f"text from every other sampler less than that.",
        run.commands(),
        pure.high < human.low and all(row.value <= pure.value for row in others),
    )


def _epsilon_perplexity(run: CitedRun) -> Finding:
    pure = run.metric(PURE, "epsilon_perplexity")
    rows = {label: run.metric(label, "epsilon_perplexity") for label in run.samplers}
    best = min((label for label in rows if label != PURE), key=lambda label: rows[label].value)
    gaps = [run.difference("epsilon_perplexity", PURE, label) for label in rows if label != PURE]
    return Finding(
        f"No sampler predicts held-out text better than the model itself: ε-perplexity is "
        f"{format_row(pure)} for pure sampling and {format_row(rows[best])} for the next best, "
        f"`{best}`. All {len(gaps)} differences from pure sampling are significant (p < {LEVEL} "
        f"after Holm).",
        run.commands(),
        all(gap.holm < LEVEL for gap in gaps) and pure.value == min(r.value for r in rows.values()),
    )


def _tail(run: CitedRun) -> Finding:
    recall, cut = (run.metric(NUCLEUS, name) for name in ("recall", "cut_mass"))
    lost = format_interval(1 - recall.value, 1 - recall.high, 1 - recall.low, 1, percent=True)
    return Finding(
        f"The tail of the distribution is not noise: `{NUCLEUS}` cuts off "
        f"{format_row(cut, 1, percent=True)} of the model's mass, and with it {lost} of the "
        f"characters that people wrote. The model gives its tail too little mass.",
        run.commands(),
        1 - recall.high > cut.high,
    )


def _loops(run: CitedRun) -> Finding:
    greedy = run.metric("greedy", "loops")
    rest = [run.metric(label, "loops") for label in run.samplers if label != "greedy"]
    return Finding(
        f"Greedy decoding loops: {format_row(greedy, 0, percent=True)} of its texts end in a "
        f"repeated phrase. For every other sampler it is at most "
        f"{max(row.high for row in rest):.0%} (the largest upper end of an interval).",
        run.commands(),
        greedy.low > max(row.high for row in rest),
    )


def _words(run: CitedRun) -> Finding:
    human, pure, nucleus = (run.metric(label, "unknown_words") for label in (HUMAN, PURE, NUCLEUS))
    gap = run.difference("unknown_words", PURE, NUCLEUS)
    return Finding(
        f"Truncation repairs spelling: {format_row(pure, 1, percent=True)} of the words from pure "
        f"sampling do not occur in the training text, {format_row(nucleus, 1, percent=True)} of "
        f"those from `{NUCLEUS}`, and {format_row(human, 1, percent=True)} of people's.",
        run.commands(),
        gap.holm < LEVEL and pure.low > human.high >= nucleus.low,
    )


def _judge(run: CitedRun) -> Finding:
    (standing,) = (
        each
        for each in standings(run.run.metrics, run.run.differences)
        if each.metric == "judge_bits"
    )
    human, baseline = (run.metric(label, "judge_bits") for label in (HUMAN, JUDGE))
    best = [run.metric(label, "judge_bits") for label in (*standing.closest, *standing.tied)]
    for first in standing.closest:
        for second in standing.tied:
            run.difference("judge_bits", first, second)
    names = ", ".join(f"`{row.sampler}` {format_row(row)}" for row in best)
    return Finding(
        f"To a judge that is not the model, an n-gram model of the training text, people's text "
        f"costs {format_row(human)} bits per character, and its own text {format_row(baseline)}. "
        f"The closest samplers, whose distances from people's text can't be distinguished, are "
        f"{names}.",
        run.commands(),
        bool(standing.tied),
    )


def _closest(run: CitedRun) -> Finding:
    every = standings(run.run.metrics, run.run.differences)
    several = [each for each in every if len(each.closest) + len(each.tied) > 1]
    human, training, nucleus = (
        run.metric(label, "divergence_5") for label in (HUMAN, HUMAN_TRAINING, NUCLEUS)
    )
    return Finding(
        f"Which sampler is closest to people is seldom settled: on {len(several)} of {len(every)} "
        f"metrics several samplers can't be distinguished from the closest. People's texts differ "
        f"as well: the 5-grams of other plays of the corpus are {format_row(training)} bits from "
        f"those of held-out text, those of `{NUCLEUS}` {format_row(nucleus)}, and those of the "
        f"same plays {format_row(human)}.",
        run.commands(),
        len(several) > len(every) / 2 and training.low > human.high,
    )


def grammar_findings(run: CitedRun) -> list[Finding]:
    """Findings of corpus=grammar, whose true distribution is known."""
    return [
        _impossible(run),
        _price(run),
        _nucleus_and_top_k(run),
        _temperature(run),
        _ranking(run),
        _survival(run),
    ]


def _impossible(run: CitedRun) -> Finding:
    pure = run.metric(PURE, "impossible_mass")
    greedy = run.metric("greedy", "impossible_mass")
    return Finding(
        f"The model gives {format_row(pure, percent=True)} of its mass to impossible characters, "
        f"and not only in its tail: at {format_row(greedy, percent=True)} of the positions even "
        f"the most probable character is impossible.",
        run.commands(),
        pure.low > 0.01 and greedy.low > 0.01,
    )


def _price(run: CitedRun) -> Finding:
    pure, nucleus = (run.metric(label, "impossible_mass") for label in (PURE, NUCLEUS))
    lost = run.metric(NUCLEUS, "lost_mass")
    gap = run.difference("impossible_mass", PURE, NUCLEUS)
    saved = abs(gap.difference)
    least, most = sorted((abs(gap.low), abs(gap.high)))
    return Finding(
        f"Cutting the tail removes more truth than error: `{NUCLEUS}` lowers impossible mass from "
        f"{format_row(pure, percent=True)} to {format_row(nucleus, percent=True)}, by "
        f"{format_interval(saved, least, most, percent=True)}, and cuts off "
        f"{format_row(lost, percent=True)} of the true distribution.",
        run.commands(),
        gap.holm < LEVEL and lost.low > most,
    )


def _nucleus_and_top_k(run: CitedRun) -> Finding:
    top_k, top_p = run.truncation("top_k", 8), run.truncation("top_p", 0.9)
    return Finding(
        f"A nucleus cuts better than a fixed number of characters: `top_p=0.9` leaves "
        f"{format_column(top_p, 'impossible', percent=True)} impossible mass and loses "
        f"{format_column(top_p, 'lost', percent=True)} of the true distribution; `top_k=8` leaves "
        f"{format_column(top_k, 'impossible', percent=True)} and loses "
        f"{format_column(top_k, 'lost', percent=True)}.",
        run.commands(),
        top_p.impossible_high < top_k.impossible_low and top_p.lost_high < top_k.lost_low,
    )


def _temperature(run: CitedRun) -> Finding:
    warm, nucleus = run.truncation("temperature", 0.7), run.truncation("top_p", 0.9)
    return Finding(
        f"Temperature cuts nothing and distorts less: `temperature=0.7` leaves "
        f"{format_column(warm, 'impossible', percent=True)} impossible mass at a divergence of "
        f"{format_column(warm, 'divergence', 3)} bits from the truth; `top_p=0.9` leaves "
        f"{format_column(nucleus, 'impossible', percent=True)} at "
        f"{format_column(nucleus, 'divergence', 3)} bits (a character that was cut counts with "
        f"ε = 0.0001).",
        run.commands(),
        warm.impossible <= nucleus.impossible and warm.divergence_high < nucleus.divergence_low,
    )


def _ranking(run: CitedRun) -> Finding:
    oracle = [row for row in run.run.truncation if row.family == "oracle"]
    free = run.truncation("oracle", max(row.parameter for row in oracle if row.lost < 1e-4))
    same = run.truncation("top_p", 0.99)
    return Finding(
        f"The model's ranking of characters contains more than any fixed rule uses: a cut that "
        f"knows the truth, but must keep the most probable characters, leaves "
        f"{format_column(free, 'impossible', percent=True)} impossible mass and loses "
        f"{free.lost:.3%} of the true distribution; `top_p=0.99` leaves "
        f"{format_column(same, 'impossible', percent=True)} and loses {same.lost:.2%}.",
        run.commands(),
        free.impossible_high < same.impossible_low and free.lost < same.lost,
    )


def _survival(run: CitedRun) -> Finding:
    name = "possible_64"
    rows = {label: run.metric(label, name) for label in run.samplers}
    best = max(rows, key=lambda label: rows[label].value)
    gap = run.difference(name, PURE, best)
    human, ends = run.metric(HUMAN, name), run.metric(best, "possible_256")
    return Finding(
        f"Cautious samplers keep texts possible for longer: after 64 characters "
        f"{format_row(rows[PURE], 0, percent=True)} of the texts from pure sampling are still "
        f"possible under the grammar, and {format_row(rows[best], 0, percent=True)} of those from "
        f"`{best}`; after 256 characters {format_row(ends, 0, percent=True)} of the latter. Of the "
        f"grammar's own texts all are.",
        run.commands(),
        gap.holm < LEVEL and human.value == 1,
    )


def curves_findings(run: CitedRun) -> list[Finding]:
    """Findings of decoding=curves."""
    return [_reach(run), _diversity(run)]


def _reach(run: CitedRun) -> Finding:
    names = ("temperature", "top_k", "top_p")
    warm, *cutting = (run.family("best", "bits_per_character", name) for name in names)
    assert warm is not None
    closest = cutting[0]
    assert closest is not None
    return Finding(
        f"Only a temperature above 1 is as surprising as people's text: `{warm.setting}` writes "
        f"{format_row(warm)} bits per character (people {warm.human:.2f}). Top-k and nucleus "
        f"reach at most pure sampling, {format_row(closest)}, which can be distinguished from "
        f"people's text. Settings are chosen on half of the prompts; the values are from the "
        f"other half.",
        run.commands(),
        warm.high >= warm.human
        and all(each and each.distance_low > 0 and each.high < each.human for each in cutting),
    )


def _diversity(run: CitedRun) -> Finding:
    rows = [
        row
        for name in ("temperature", "top_k", "top_p")
        if (row := run.family("equal diversity", "bits_per_character", name)) is not None
    ]
    text = "; ".join(f"{row.family} ({row.setting}) {format_row(row)}" for row in rows)
    return Finding(
        f"Samplers whose pairs of words are as varied as people's are far less surprising. Bits "
        f"per character at equal distinct-2: {text}; people {rows[0].human:.2f}.",
        run.commands(),
        all(row.distance_low > 0 and row.value < row.human for row in rows) and len(rows) > 0,
    )
