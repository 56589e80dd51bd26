"""What the metrics against the grammar are called and what they say."""

from __future__ import annotations

from nextchar.metrics.title import Title

TRUTH = "the grammar's truth"


def _written(name: str) -> Title:
    short, long = {
        "impossible_mass": ("impos-\nsible, own", "impossible mass"),
        "lost_mass": ("lost,\nown", "lost mass"),
        "truth_divergence": ("KL to\ntruth, own", "divergence from the truth"),
        "truth_distance": ("total\nvar., own", "total variation from the truth"),
    }[name]
    return Title(
        short=short,
        long=f"{long}, own text",
        description="The same along the sampler's own text, as long as that is possible.",
        group=TRUTH,
    )


def _possible(n: int) -> Title:
    return Title(
        short=f"possible\nafter {n}",
        long=f"possible after {n} characters",
        description=f"Share of the texts whose first {n} characters could be the grammar's.",
        ends=("none", "all"),
        group=TRUTH,
    )


TRUTH_TITLES = {
    "impossible_mass": Title(
        short="impos-\nsible",
        long="impossible mass",
        description=(
            "Probability that the sampler gives to characters that can't come next, averaged over "
            "held-out positions."
        ),
        ends=("none", "all"),
        group=TRUTH,
    ),
    "lost_mass": Title(
        short="lost",
        long="lost mass",
        description="True probability of the characters that are cut, over held-out positions.",
        ends=("none", "all"),
        group=TRUTH,
    ),
    "truth_divergence": Title(
        short="KL to\ntruth",
        long="divergence from the truth",
        description=(
            "KL(truth || sampler) in bits over held-out positions, with the trace of the uniform "
            "distribution that ε-perplexity has too."
        ),
        ends=("the truth", "far from it"),
        group=TRUTH,
    ),
    "truth_distance": Title(
        short="total\nvar.",
        long="total variation from the truth",
        description="Half the summed absolute difference, averaged over held-out positions.",
        ends=("the truth", "far from it"),
        group=TRUTH,
    ),
    **{f"{name}_written": _written(name) for name in ("impossible_mass", "lost_mass")},
    **{f"{name}_written": _written(name) for name in ("truth_divergence", "truth_distance")},
    **{f"possible_{n}": _possible(n) for n in (16, 64, 256)},
    "impossible_rate": Title(
        short="goes\nwrong",
        long="goes wrong, a character",
        description=(
            "How often a text that was possible so far becomes impossible with its next character."
        ),
        ends=("never", "always"),
        group=TRUTH,
    ),
}
