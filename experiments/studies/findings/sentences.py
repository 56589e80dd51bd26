"""The sentences of docs/findings.md: the default study, the grammar study, and the curves."""

from __future__ import annotations

from nextchar.report.standing import standings
from nextchar.results import HUMAN, HUMAN_TRAINING, JUDGE
from studies.findings.finding import Finding, Study, interval, shown

PURE, NUCLEUS = "temperature=1", "top_p=0.95"
TOLD = 0.05


def default_study(study: Study) -> list[Finding]:
    """From the default run with metrics=full."""
    return [
        _surprise(study),
        _nothing_beats_the_model(study),
        _overconfident(study),
        _loops(study),
        _words(study),
        _judge(study),
        _alike(study),
    ]


def _surprise(study: Study) -> Finding:
    human, pure = (study.metric(label, "bits_per_character") for label in (HUMAN, PURE))
    others = [study.metric(label, "bits_per_character") for label in study.samplers]
    return Finding(
        f"No sampler writes as surprisingly as people do: held-out text costs the model "
        f"{shown(human)} bits a character, what pure sampling writes {shown(pure)}, and every "
        f"other sampler's text less than that.",
        study.commands(),
        pure.high < human.low and all(row.value <= pure.value for row in others),
    )


def _nothing_beats_the_model(study: Study) -> Finding:
    pure = study.metric(PURE, "epsilon_perplexity")
    rows = {label: study.metric(label, "epsilon_perplexity") for label in study.samplers}
    best = min((label for label in rows if label != PURE), key=lambda label: rows[label].value)
    gaps = [study.difference("epsilon_perplexity", PURE, label) for label in rows if label != PURE]
    return Finding(
        f"As a prediction of held-out text no sampler beats the model itself: ε-perplexity is "
        f"{shown(pure)} under pure sampling and {shown(rows[best])} under the next, `{best}`; all "
        f"{len(gaps)} differences from pure sampling are told (p < {TOLD} after Holm).",
        study.commands(),
        all(gap.holm < TOLD for gap in gaps) and pure.value == min(r.value for r in rows.values()),
    )


def _overconfident(study: Study) -> Finding:
    recall, cut = (study.metric(NUCLEUS, name) for name in ("recall", "cut_mass"))
    lost = interval(1 - recall.value, 1 - recall.high, 1 - recall.low, 1, percent=True)
    return Finding(
        f"The tail is not noise: `{NUCLEUS}` cuts off {shown(cut, 1, percent=True)} of the model's "
        f"mass, and with it {lost} of the characters that people wrote. The model gives its tail "
        f"less than the tail deserves.",
        study.commands(),
        1 - recall.high > cut.high,
    )


def _loops(study: Study) -> Finding:
    greedy = study.metric("greedy", "loops")
    rest = [study.metric(label, "loops") for label in study.samplers if label != "greedy"]
    return Finding(
        f"Greedy decoding loops: {shown(greedy, 0, percent=True)} of its texts end in a repeated "
        f"phrase; of any other sampler's at most {max(row.high for row in rest):.0%} do (the "
        f"largest upper end of an interval).",
        study.commands(),
        greedy.low > max(row.high for row in rest),
    )


def _words(study: Study) -> Finding:
    human, pure, nucleus = (
        study.metric(label, "unknown_words") for label in (HUMAN, PURE, NUCLEUS)
    )
    gap = study.difference("unknown_words", PURE, NUCLEUS)
    return Finding(
        f"Truncation repairs spelling: {shown(pure, 1, percent=True)} of the words of pure "
        f"sampling do not stand in the training text, {shown(nucleus, 1, percent=True)} of those "
        f"of `{NUCLEUS}`, and {shown(human, 1, percent=True)} of people's.",
        study.commands(),
        gap.holm < TOLD and pure.low > human.high >= nucleus.low,
    )


def _judge(study: Study) -> Finding:
    (standing,) = (
        each
        for each in standings(study.run.metrics, study.run.differences)
        if each.metric == "judge_bits"
    )
    human, baseline = (study.metric(label, "judge_bits") for label in (HUMAN, JUDGE))
    best = [study.metric(label, "judge_bits") for label in (*standing.closest, *standing.tied)]
    for first in standing.closest:
        for second in standing.tied:
            study.difference("judge_bits", first, second)
    names = ", ".join(f"`{row.sampler}` {shown(row)}" for row in best)
    return Finding(
        f"To a judge that is not the model, an n-gram model of the training text, people's text "
        f"costs {shown(human)} bits a character (its own {shown(baseline)}); closest, and not told "
        f"from each other in distance, are {names}.",
        study.commands(),
        bool(standing.tied),
    )


def _alike(study: Study) -> Finding:
    every = standings(study.run.metrics, study.run.differences)
    several = [each for each in every if len(each.closest) + len(each.tied) > 1]
    human, training, nucleus = (
        study.metric(label, "divergence_5") for label in (HUMAN, HUMAN_TRAINING, NUCLEUS)
    )
    return Finding(
        f"Who is closest to people is seldom settled: on {len(several)} of {len(every)} metrics "
        f"several samplers can't be told from the closest. And the yardstick moves: the 5-grams of "
        f"other plays of the corpus are {shown(training)} bits from held-out text, those of "
        f"`{NUCLEUS}` {shown(nucleus)}, those of the same plays {shown(human)}.",
        study.commands(),
        len(several) > len(every) / 2 and training.low > human.high,
    )


def grammar_study(study: Study) -> list[Finding]:
    """From corpus=grammar, where the truth is known."""
    return [
        _unreliable(study),
        _price(study),
        _nucleus_and_top_k(study),
        _temperature(study),
        _order(study),
        _survival(study),
    ]


def _unreliable(study: Study) -> Finding:
    pure = study.metric(PURE, "impossible_mass")
    greedy = study.metric("greedy", "impossible_mass")
    return Finding(
        f"The model gives {shown(pure, percent=True)} of its mass to characters that can't come, "
        f"and not in its tail alone: at {shown(greedy, percent=True)} of the positions even the "
        f"most probable character is impossible.",
        study.commands(),
        pure.low > 0.01 and greedy.low > 0.01,
    )


def _price(study: Study) -> Finding:
    pure, nucleus = (study.metric(label, "impossible_mass") for label in (PURE, NUCLEUS))
    lost = study.metric(NUCLEUS, "lost_mass")
    gap = study.difference("impossible_mass", PURE, NUCLEUS)
    saved = abs(gap.difference)
    least, most = sorted((abs(gap.low), abs(gap.high)))
    return Finding(
        f"Cutting the tail removes more truth than error: `{NUCLEUS}` takes impossible mass from "
        f"{shown(pure, percent=True)} to {shown(nucleus, percent=True)}, by "
        f"{interval(saved, least, most, percent=True)}, and cuts off {shown(lost, percent=True)} "
        f"of what could truly come.",
        study.commands(),
        gap.holm < TOLD and lost.low > most,
    )


def _nucleus_and_top_k(study: Study) -> Finding:
    top_k, top_p = study.cut("top_k", 8), study.cut("top_p", 0.9)
    return Finding(
        f"A nucleus cuts better than a fixed number: `top_p=0.9` leaves "
        f"{interval(top_p.impossible, top_p.impossible_low, top_p.impossible_high, percent=True)} "
        f"impossible mass and loses "
        f"{interval(top_p.lost, top_p.lost_low, top_p.lost_high, percent=True)}; `top_k=8` leaves "
        f"{interval(top_k.impossible, top_k.impossible_low, top_k.impossible_high, percent=True)} "
        f"and loses {interval(top_k.lost, top_k.lost_low, top_k.lost_high, percent=True)}.",
        study.commands(),
        top_p.impossible_high < top_k.impossible_low and top_p.lost_high < top_k.lost_low,
    )


def _temperature(study: Study) -> Finding:
    warm, nucleus = study.cut("temperature", 0.7), study.cut("top_p", 0.9)
    figures = [
        interval(row.divergence, row.divergence_low, row.divergence_high, 3)
        for row in (warm, nucleus)
    ]
    wrong = [
        interval(row.impossible, row.impossible_low, row.impossible_high, percent=True)
        for row in (warm, nucleus)
    ]
    return Finding(
        f"Temperature cuts nothing and loses less: `temperature=0.7` leaves {wrong[0]} impossible "
        f"mass at {figures[0]} bits from the truth; `top_p=0.9` leaves {wrong[1]} at {figures[1]} "
        f"bits (a character that was cut counts with ε = 0.0001).",
        study.commands(),
        warm.impossible <= nucleus.impossible and warm.divergence_high < nucleus.divergence_low,
    )


def _order(study: Study) -> Finding:
    oracle = [row for row in study.run.truncation if row.family == "oracle"]
    free = study.cut("oracle", max(row.parameter for row in oracle if row.lost < 1e-4))
    same = study.cut("top_p", 0.99)
    return Finding(
        f"The model's order holds more than any fixed rule gets out of it: a cut that knows the "
        f"truth, but must keep the most probable characters, leaves "
        f"{interval(free.impossible, free.impossible_low, free.impossible_high, percent=True)} "
        f"impossible mass and loses {free.lost:.3%}; `top_p=0.99` leaves "
        f"{interval(same.impossible, same.impossible_low, same.impossible_high, percent=True)} and "
        f"loses {same.lost:.2%}.",
        study.commands(),
        free.impossible_high < same.impossible_low and free.lost < same.lost,
    )


def _survival(study: Study) -> Finding:
    name = "possible_64"
    rows = {label: study.metric(label, name) for label in study.samplers}
    best = max(rows, key=lambda label: rows[label].value)
    gap = study.difference(name, PURE, best)
    human, ends = study.metric(HUMAN, name), study.metric(best, "possible_256")
    return Finding(
        f"Caution keeps texts possible for longer: after 64 characters "
        f"{shown(rows[PURE], 0, percent=True)} of the texts of pure sampling could still be the "
        f"grammar's, {shown(rows[best], 0, percent=True)} of those of `{best}`; after 256, of the "
        f"latter, {shown(ends, 0, percent=True)}. Of the grammar's own all are.",
        study.commands(),
        gap.holm < TOLD and human.value == 1,
    )


def curves_study(study: Study) -> list[Finding]:
    """From decoding=curves."""
    return [_reach(study), _diversity(study)]


def _reach(study: Study) -> Finding:
    names = ("temperature", "top_k", "top_p")
    warm, *cutting = (study.family("best", "bits_per_character", name) for name in names)
    assert warm is not None
    closest = cutting[0]
    assert closest is not None
    return Finding(
        f"Only a temperature above 1 is as surprising as people's text: `{warm.setting}` writes "
        f"{interval(warm.value, warm.low, warm.high)} bits a character (people "
        f"{warm.human:.2f}); top-k and nucleus end at pure sampling, "
        f"{interval(closest.value, closest.low, closest.high)}, and are told from people there. "
        f"Settings are chosen on half of the prompts, figures are of the other half.",
        study.commands(),
        warm.high >= warm.human
        and all(each and each.distance_low > 0 and each.high < each.human for each in cutting),
    )


def _diversity(study: Study) -> Finding:
    rows = [
        row
        for name in ("temperature", "top_k", "top_p")
        if (row := study.family("equal diversity", "bits_per_character", name)) is not None
    ]
    text = "; ".join(
        f"{row.family} ({row.setting}) {interval(row.value, row.low, row.high)}" for row in rows
    )
    return Finding(
        f"As varied in pairs of words as people, samplers are far less surprising: at equal "
        f"distinct-2 the bits a character are {text}; people's are {rows[0].human:.2f}.",
        study.commands(),
        all(row.distance_low > 0 and row.value < row.human for row in rows) and len(rows) > 0,
    )
