"""Whether the automaton behind a corpus could have written the texts, and for how long.

Shapes: R texts, T characters of a prompt, L characters of a text, V characters, P prompts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike

from nextchar.decoding import engine
from nextchar.metrics.catalog import TRUTH, defined, metric
from nextchar.metrics.estimators import PROMPTS, Floats, Integers, RatioEstimator, clustered
from nextchar.metrics.ground_truth import Truth
from nextchar.metrics.measure import estimator, text_sums
from nextchar.metrics.positions import Distributions, Positions
from nextchar.metrics.texts import GeneratedTexts
from nextchar.models.base import LanguageModel
from nextchar.results import MANY, Metric, Possible
from nextchar.runtime import progress
from nextchar.samplers import Sampler

_survival = partial(metric, kind="survival", group=TRUTH)

ROWS = 64
"""Texts that the automaton reads together: a few megabytes of distributions."""


@_survival(
    "possible_{n}",
    "share",
    "possible\nafter {n}",
    "possible after {n} characters",
    ("none", "all"),
    n=(16, 64, 256),
)
def possible_after(texts: GeneratedTexts, n: int) -> ArrayLike | None:
    """Share of the texts whose first {n} characters could be the grammar's."""
    if texts.first_impossible is None or n > texts.length:
        return None
    return texts.first_impossible >= n


@_survival(
    "impossible_rate", "share", "goes\nwrong", "goes wrong, per character", ("never", "always")
)
def impossible_rate(texts: GeneratedTexts) -> tuple[ArrayLike, ArrayLike] | None:
    """How often a text that was possible so far becomes impossible with its next character."""
    if texts.first_impossible is None:
        return None
    L, first = texts.length, texts.first_impossible
    return first < L, np.minimum(first + 1, L)


def ground_truth_metrics(
    model: LanguageModel,
    samplers: Sequence[Sampler],
    written: Sequence[GeneratedTexts],
    truth: Truth,
    epsilon: float,
    prompts: int,
) -> tuple[list[RatioEstimator], list[RatioEstimator]]:
    """For each sampler and reference, whether its texts could have been written; and exact figures
    along the first text of each sampler after each prompt, of up to MANY samplers. The second list
    is the share of texts still possible along their length, of as many."""
    device = next(model.parameters()).device
    by_label = {each.label: each for each in samplers if len(written) <= MANY}
    sums: list[RatioEstimator] = []
    possible: list[RatioEstimator] = []
    with progress.task("truth", len(written)) as task:
        for done, texts in enumerate(written, 1):
            read = with_first_impossible(texts, truth)
            sums += text_sums(defined(kinds=("survival",)), [read], prompts)
            if len(written) <= MANY:
                possible += survival_sums(read, prompts)
            if texts.sampler in by_label:
                firsts = read.take(np.flatnonzero(read.samples == 0))
                before, ids = (
                    torch.from_numpy(each).to(device) for each in (firsts.prompt_ids, firsts.ids)
                )
                steps = engine.teacher_forced_logits(model, before, ids)
                logits = torch.stack([step.cpu() for step in steps], dim=1)
                sampler = by_label[texts.sampler]
                sums += written_sums(sampler, logits, firsts, truth, prompts, epsilon)
            task.update(done)
    return sums, possible


def with_first_impossible(texts: GeneratedTexts, truth: Truth) -> GeneratedTexts:
    """The texts with the index of each one's first impossible character."""
    parts = []
    for start in range(0, len(texts.ids), ROWS):
        rows = slice(start, start + ROWS)
        true = truth.along(texts.prompt_texts[rows], texts.texts[rows])
        parts.append(first_impossible(true, texts.ids[rows]))
    return replace(texts, first_impossible=np.concatenate(parts))


def first_impossible(true: Floats, ids: Integers) -> Integers:
    """For each of R texts the index of its first impossible character, L if there is none; `true`
    are the true distributions [R, L, V] before its characters, `ids` [R, L]."""
    chance = np.take_along_axis(true, ids[:, :, None], axis=2)[:, :, 0]
    return np.where((chance == 0).any(1), (chance == 0).argmax(1), ids.shape[1])


def survival_sums(texts: GeneratedTexts, prompts: int) -> list[RatioEstimator]:
    """The share of texts still possible after 0 to L characters, under the metrics `0` to `L`."""
    assert texts.first_impossible is not None
    ones = clustered(np.ones(len(texts.ids)), texts.prompts, prompts)
    rows = []
    for n in range(texts.length + 1):
        alive = clustered(texts.first_impossible >= n, texts.prompts, prompts)
        rows.append(RatioEstimator(texts.sampler, str(n), "share", alive, ones, PROMPTS))
    return rows


def possible_rows(figures: Iterable[Metric]) -> list[Possible]:
    """The rows of possible.csv, from the values and intervals of its sums."""
    return [Possible(row.sampler, int(row.metric), row.value, row.low, row.high) for row in figures]


def written_sums(
    sampler: Sampler,
    logits: torch.Tensor,
    texts: GeneratedTexts,
    truth: Truth,
    prompts: int,
    epsilon: float,
) -> list[RatioEstimator]:
    """The metrics against the truth along the sampler's own texts, at steps whose text is possible
    so far: logits [R, L, V] before each character."""
    assert texts.first_impossible is not None
    R, L, _ = logits.shape
    prompt_ids, ids = torch.from_numpy(texts.prompt_ids), torch.from_numpy(texts.ids)
    true = torch.from_numpy(truth.along(texts.prompt_texts, texts.texts))
    at = Positions(
        logits=logits.flatten(0, 1),
        targets=ids.flatten(),
        starts=torch.arange(R * L),
        blocks=torch.arange(R * L),
        epsilon=epsilon,
        true=true.flatten(0, 1),
    )
    found = Distributions(sampler.along(logits, prompt_ids, ids).flatten(0, 1), at)
    alive = np.arange(L) <= texts.first_impossible[:, None]
    lengths = clustered(alive.sum(1), texts.prompts, prompts)
    rows = []
    for each in defined(kinds=("written",)):
        values = np.asarray(each.function(found)).reshape(R, L)
        numerators = clustered((values * alive).sum(1), texts.prompts, prompts)
        rows.append(estimator(each, sampler.label, (numerators, lengths)))
    return rows
