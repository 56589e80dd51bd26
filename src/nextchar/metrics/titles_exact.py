"""What the exact metrics on held-out text are called and what they say."""

from __future__ import annotations

from nextchar.metrics.title import Title

_EXACT = "held-out text, exactly"
_DECILES = "kept characters, by how sure the model is"


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


EXACT_TITLES = {
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
}
