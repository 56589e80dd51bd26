"""What the metrics of metrics=full, and the divergence frontier, are called and what they say."""

from __future__ import annotations

from nextchar.metrics.title import Title

_STYLE = "style, beside held-out text"
_COPYING = "repetition and copying"
_LAYOUT = "layout"


def _divergence(n: int) -> Title:
    units = "characters" if n == 1 else f"runs of {n} characters"
    return Title(
        short=f"JS-{n}",
        long=f"JS divergence, {n} character{'s' * (n > 1)}",
        description=(
            f"Jensen-Shannon divergence between the {units} of one text a prompt and those of "
            "held-out text that is not among the human texts: 0 is alike, 1 has none in common."
        ),
        ends=("alike", "unlike"),
        group=_STYLE,
    )


def _self_bleu(n: int) -> Title:
    return Title(
        short=f"self-\nBLEU-{n}",
        long=f"self-BLEU-{n}",
        description=f"BLEU of each text against all others of its sampler, up to {n} words.",
        ends=("unlike each other", "alike"),
        group=_COPYING,
    )


def _novel(n: int) -> Title:
    return Title(
        short=f"novel\n{n}",
        long=f"novel {n}-grams",
        description=f"Share of the runs of {n} characters that do not stand in the training text.",
        ends=("copied", "new"),
        group=_COPYING,
    )


FULL_TITLES = {
    "judge_bits": Title(
        short="judge\nbits",
        long="bits per character, n-gram judge",
        description=(
            "How surprising the text is to a judge that is not the model: a character n-gram model "
            "with Kneser-Ney smoothing, fitted on the training text."
        ),
        ends=("predictable", "surprising"),
        group=_STYLE,
    ),
    "zipf": Title(
        short="Zipf",
        long="Zipf's slope",
        description=(
            "How fast word frequency falls with rank, both logarithmic, in one text a prompt."
        ),
        ends=("even", "few words rule"),
        group=_STYLE,
    ),
    "frontier": Title(
        short="fron-\ntier",
        long="divergence frontier (MAUVE)",
        description=(
            "How alike the texts look to the model itself: the area under the divergence frontier "
            "between windows of them and of held-out text that is not among the human texts, "
            "counted in clusters of hidden states. 1 is alike; human text says what is in reach."
        ),
        ends=("unlike", "alike"),
        group=_STYLE,
    ),
    **{f"divergence_{n}": _divergence(n) for n in range(1, 6)},
    **{f"self_bleu_{n}": _self_bleu(n) for n in (4, 5)},
    "seq_rep_4": Title(
        short="rep-4\nwords",
        long="seq-rep-4",
        description=(
            "Share of a text's runs of 4 words that stood in it before: 1 less distinct-4."
        ),
        ends=("never repeats", "repetitive"),
        group=_COPYING,
    ),
    "seq_rep_16": Title(
        short="rep-16\nchars",
        long="seq-rep-16, characters",
        description="Share of a text's runs of 16 characters that stood in it before.",
        ends=("never repeats", "repetitive"),
        group=_COPYING,
    ),
    **{f"novel_{n}": _novel(n) for n in (4, 8, 16, 32)},
    "longest_copy": Title(
        short="longest\ncopy",
        long="longest copied passage",
        description=(
            "Characters of the longest passage of a text that stands in the training text, "
            "averaged over texts."
        ),
        ends=("original", "copied"),
        group=_COPYING,
    ),
    "line_length": Title(
        short="line\nlength",
        long="line length",
        description="Characters of a line, of those that are whole and not empty.",
        ends=("short", "long"),
        group=_LAYOUT,
    ),
    "speaker_lines": Title(
        short="speaker\nlines",
        long="speaker lines",
        description="Share of the lines that name a speaker: after an empty line, with a colon.",
        ends=("none", "all"),
        group=_LAYOUT,
    ),
    "known_speakers": Title(
        short="known\nspeakers",
        long="known speakers",
        description="Share of the named speakers who speak in the training text.",
        ends=("invented", "known"),
        group=_LAYOUT,
    ),
}
