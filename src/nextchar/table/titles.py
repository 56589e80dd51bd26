"""What the metrics are called and what they say; a metric that is not listed goes by its name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Title:
    """Names of one metric: `short` heads a column (newlines allowed), `long` an axis.

    `ends` says what a low and a high value mean. No metric has a better end: closest to human
    text is best. Metrics of one `group` share a table.
    """

    short: str
    long: str
    description: str = ""
    ends: tuple[str, str] | None = None
    group: str = "other metrics"

    @property
    def line(self) -> str:
        """The short name on one line."""
        return self.short.replace("/\n", "/").replace("\n", " ")


_TEXT = "generated text"
_EXACT = "held-out text, exactly"
_STYLE = "style, beside held-out text"
_COPYING = "repetition and copying"
_LAYOUT = "layout"
_DECILES = "kept characters, by how sure the model is"


def _distinct(n: int) -> Title:
    units = "words" if n == 1 else f"runs of {n} words"
    return Title(
        short=f"dist-{n}",
        long=f"distinct-{n}",
        description=f"Different {units} over all {units} of a sampler's texts: 1 never repeats.",
        ends=("repetitive", "varied"),
        group=_TEXT,
    )


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


def _decile(n: int) -> Title:
    which = {1: "surest", 10: "least sure"}.get(n, f"{n}.")
    return Title(
        short=f"kept\ntenth {n}",
        long=f"kept, tenth {n}",
        description=f"Characters kept in the {which} tenth of the held-out positions, by the "
        "entropy of the model.",
        ends=("few", "all"),
        group=_DECILES,
    )


_TITLES = {
    "epsilon_perplexity": Title(
        short="ε-ppl",
        long="ε-perplexity of human text",
        description=(
            "2 to the bits a character that held-out text costs under the sampler's distribution, "
            "into which a trace of the uniform one is mixed: a cut character would cost infinitely "
            "many. The sampler that wastes least mass and cuts no human character is lowest."
        ),
        ends=("expected", "unexpected"),
        group=_EXACT,
    ),
    "recall": Title(
        short="recall",
        long="recall of human text",
        description="Share of the held-out characters that the sampler leaves a chance.",
        ends=("cuts human text", "keeps all"),
        group=_EXACT,
    ),
    "kept_on_human": Title(
        short="kept\nhuman",
        long="kept along human text",
        description="Characters with a probability above zero, averaged over held-out positions.",
        ends=("few", "all"),
        group=_EXACT,
    ),
    "cut_mass": Title(
        short="cut\nmass",
        long="mass cut off",
        description="Share of the model's probability that lies on characters that are cut.",
        ends=("none", "all"),
        group=_EXACT,
    ),
    "total_variation": Title(
        short="total\nvar.",
        long="total variation from the model",
        description=(
            "Largest difference in the probability of any set of characters, between the sampler "
            "and the untouched model, averaged over held-out positions."
        ),
        ends=("the model", "far from it"),
        group=_EXACT,
    ),
    "divergence_from_model": Title(
        short="KL from\nmodel",
        long="divergence from the model",
        description="KL(sampler || model) in bits, averaged over held-out positions.",
        ends=("the model", "far from it"),
        group=_EXACT,
    ),
    "entropy_on_human": Title(
        short="entropy\nhuman",
        long="entropy along human text",
        description="Bits of choice that the sampler leaves, averaged over held-out positions.",
        ends=("decided", "open"),
        group=_EXACT,
    ),
    **{f"kept_in_decile_{n}": _decile(n) for n in range(1, 11)},
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
    "bits_per_character": Title(
        short="bits/\nchar",
        long="bits per character",
        description=(
            "How surprising the generated text is to the untouched model, as −log₂ p averaged over "
            "its characters. Low is safe and dull, high is erratic."
        ),
        ends=("predictable", "surprising"),
        group=_TEXT,
    ),
    "entropy": Title(
        short="entropy",
        long="entropy",
        description=(
            "Bits of choice left at a step: the entropy of the distribution that the sampler draws "
            "from, along its own text. Human text was not drawn from one, so it has none."
        ),
        ends=("decided", "open"),
        group=_TEXT,
    ),
    "kept_characters": Title(
        short="kept\nchars",
        long="kept characters",
        description=(
            "Characters with a probability above zero, averaged over the steps: how much of the "
            "alphabet the sampler leaves in play."
        ),
        ends=("few", "all"),
        group=_TEXT,
    ),
    "distinct_1": _distinct(1),
    "distinct_2": _distinct(2),
    "distinct_3": _distinct(3),
    "distinct_4": _distinct(4),
    "loops": Title(
        short="loops",
        long="looping texts",
        description="Share of the texts that end by repeating the same characters over and over.",
        ends=("none", "all"),
        group=_TEXT,
    ),
    "unknown_words": Title(
        short="unknown\nwords",
        long="unknown words",
        description="Share of the words that never occur in the training text.",
        ends=("none", "many"),
        group=_TEXT,
    ),
}


def title_of(metric: str) -> Title:
    """The names of `metric`; its key stands for all of them where it is not known."""
    return _TITLES.get(metric) or Title(short=metric, long=metric)
