"""docs/findings.md, from the sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nextchar.metrics.families import PURE
from studies.findings import answer, claims, power, truth
from studies.findings.finding import require
from studies.findings.runs import PooledRun
from studies.findings.truth import Quality

FIGURES = ("families.png", "truth.png", "quality.png")
"""In docs/figures: the families beside each other, cutting where the truth is known, and whether
it pays."""


def render(run: PooledRun, qualities: Mapping[str, Quality], main: Quality, folder: str) -> str:
    """The page. Raises UnsupportedClaimError, with the sentences that don't hold."""
    told, why = claims.claims_table(run, main)
    sentences = require([*answer.findings(run), *truth.findings(qualities, main), *why])
    first = len(answer.findings(run))
    known = sentences[first : len(sentences) - len(why)]
    model, decoding = run.run.manifest["model"], run.run.config["decoding"]
    half = decoding["prompts"] // 2
    figures = [f"{folder}/{name}" for name in FIGURES]
    trainings = ", ".join(f"{each.run.seeds} {name}" for name, each in qualities.items())
    return "\n".join(
        [
            "# How should the next character be chosen?",
            "",
            f"Written by `python experiments/findings.py` from the runs of the commands at the "
            f"end: {run.seeds} trainings of the default model on tiny Shakespeare (validation loss "
            f"{model['validation_loss']:.3f} ± {model['validation_loss_deviation']:.3f} nats per "
            f"character), {len(run.run.samplers)} samplers and references, "
            f"{decoding['prompts']} prompts with each training, {decoding['length']} characters "
            f"per text. Brackets hold 95% intervals; they include another training and other "
            f"prompts. Settings are chosen on {half} prompts and measured on the other {half}. "
            f"The program stops at a sentence that the runs do not support.",
            "",
            "## The answer",
            "",
            *_list(sentences[:first]),
            f"![Families of samplers, by their distance from human text]({figures[0]})",
            "",
            "## Ranking",
            "",
            "One setting of each family for all metrics. The overall distance is the mean, over "
            "bits per character, distinct-2, loops, unknown words, the judge's bits, self-BLEU and "
            "the divergence of 5-grams, of the distance from human text in standard deviations "
            "among all settings. *of*: settings that were tried; *p*: corrected by Holm for all "
            "pairs, of being as close as the closest.",
            "",
            answer.ranking(run),
            "",
            "The same question at other points, for every metric that human text has: how many "
            "families do not differ significantly from the closest one.",
            "",
            answer.points_table(run),
            "",
            "## Where the truth is known",
            "",
            f"With `corpus=grammar` the true distribution of each character is known. These "
            f"figures are exact along held-out text; intervals are over trainings: {trainings}.",
            "",
            *_list(known),
            f"![Impossible and lost mass along each family, by quality]({figures[1]})",
            "",
            f"![How much nearer to the truth than pure sampling]({figures[2]})",
            "",
            f"Impossible mass where {truth.LOST:.0%} of the true distribution is cut off:",
            "",
            truth.quality_table(qualities),
            "",
            "How much nearer to the truth than pure sampling each family is, in total variation, "
            "at the setting that comes nearest. What depends on what was read has read the "
            "held-out text of its window.",
            "",
            truth.nearest_table(qualities, main),
            "",
            f"What can't be followed along held-out text (searches, and Mirostat, which corrects "
            f"itself by its own choices), at one setting each, by what it wrote, beside pure "
            f"sampling (`{PURE}`), {main.recipe} training:",
            "",
            truth.searches_table(main),
            "",
            "## What the field claims",
            "",
            told,
            "",
            "## What would change the answer",
            "",
            "- **The model.** A better model has less to cut: the section on the truth compares "
            "qualities of one architecture. A model of words, whose vocabulary is a thousand times "
            "larger, has a longer tail; nothing here speaks of it.",
            "- **The corpus.** The grammar's text is simpler than Shakespeare's, and its held-out "
            "text has the training text's distribution; that of the held-out plays differs.",
            "- **The metric.** The table of points counts how often another metric has another "
            "closest family. Someone who fears misspelt words more than dull ones cuts more.",
            f"- **The length.** Texts have {decoding['length']} characters. What shows only after "
            f"pages, such as drift, does not show here.",
            "- **The processor.** It changes last digits, and with them a few texts in ten "
            "thousand; a training on another one is another training, which the intervals cover. "
            "Five trainings on a GPU bore out every sentence and verdict, with another family "
            "in front: [log.md](log.md).",
            "",
            "## What could have been detected",
            "",
            "“Undecided” means: smaller than this. The last column is the difference between two "
            "families that a single comparison at 5% would have detected in 80% of such studies, "
            "with as many prompts, texts and trainings (the median over families); after Holm's "
            "correction it has to be larger.",
            "",
            power.power_table(run),
            "",
            "## Commands",
            "",
            "```sh",
            run.command,
            *(each.run.command for each in qualities.values()),
            "python experiments/findings.py",
            "```",
            "",
            "Each continues where it was stopped. [methods.md](methods.md) defines every figure.",
            "",
        ]
    )


def _list(sentences: Sequence[str]) -> list[str]:
    return [line for sentence in sentences for line in (f"- {sentence}", "")]


def figures(folder: Path) -> list[Path]:
    """Where the figures lie."""
    return [folder / name for name in FIGURES]
