"""Ground truth: how a sampler's distribution stands to the one that really wrote the text.

Of a text drawn from an automaton the true distribution q of the next character is known. What a
sampler r gives to characters that can't come, and what it takes from those that can:

    impossible mass     sum_{i: q_i = 0} r_i
    lost mass           sum_{i: r_i = 0} q_i
    divergence          KL(q || r'), r' = (r + e) / (1 + e V), in bits
    total variation     1/2 sum_i |q_i - r_i|

Nucleus sampling rests on the claim that the tail of a model is unreliable (Holtzman et al. 2020):
here the tail can be held against the truth. Shapes: N positions, V characters, R texts, L length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nextchar.data.grammar.automaton import Automaton, Integers
from nextchar.metrics.estimators import BLOCKS, RatioEstimator, clustered
from nextchar.metrics.exact import CHUNK, Positions
from nextchar.metrics.statistics import Floats, ratio_interval
from nextchar.results import Possible, Truncation
from nextchar.runtime import progress
from nextchar.samplers import Sampler, build, registered

LEAD = 2000
"""Characters that the automaton reads before a stretch, to find out in which state it is."""

UNITS = {
    "impossible_mass": "share",
    "lost_mass": "share",
    "truth_divergence": "bits",
    "truth_distance": "share",
}

AFTER = (16, 64, 256)
"""Characters after which texts are asked whether they are still possible."""

ORACLE = "oracle"
ORACLE_PRICES = tuple(float(price) for price in np.logspace(-1.5, 3.5, 26))
"""What a share of impossible mass costs the oracle, in shares of lost mass."""


@dataclass(frozen=True, eq=False)
class Truth:
    """The automaton behind a corpus, and the held-out text that is read with it."""

    automaton: Automaton
    validation_text: str

    def chunks(self, at: Positions) -> Iterator[tuple[slice, Tensor]]:
        """Positions CHUNK by CHUNK, with the true distributions [n, V] there."""
        for start in range(0, len(at.targets), CHUNK):
            part = slice(start, start + CHUNK)
            places = at.starts[part].numpy()
            first = max(int(places[0]) - LEAD, 0)
            text = self.validation_text[first : int(places[-1])]
            rows = self.automaton.next_distributions(text)[places - first]
            yield part, torch.from_numpy(rows)

    def along(self, prompts: Sequence[str], texts: Sequence[str]) -> Floats:
        """[R, L, V] the true distributions before each character of texts after their prompts; all
        zero once a text has become impossible."""
        whole = [prompt + text for prompt, text in zip(prompts, texts, strict=True)]
        rows = self.automaton.batch_next_distributions(whole)
        return np.stack([row[len(p) : -1] for row, p in zip(rows, prompts, strict=True)])


def measures(true: Tensor, chosen: Tensor, epsilon: float) -> Tensor:
    """The four quantities in the order of `UNITS`, [4, N]; `true` and `chosen` are [N, V]."""
    V = chosen.size(-1)
    smooth = (chosen + epsilon) / (1 + epsilon * V)
    return torch.stack(
        (
            torch.where(true == 0, chosen, 0.0).sum(-1),
            torch.where(chosen == 0, true, 0.0).sum(-1),
            (torch.xlogy(true, true) - true * smooth.log()).sum(-1) / np.log(2),
            0.5 * (true - chosen).abs().sum(-1),
        )
    )


def truth_sums(
    samplers: Sequence[Sampler], at: Positions, truth: Truth, epsilon: float
) -> list[RatioEstimator]:
    """Every such metric of every sampler on held-out text, in one pass."""
    totals = np.zeros((len(samplers), len(UNITS), at.count))
    for part, true in truth.chunks(at):
        blocks = at.blocks[part].numpy()
        for index, sampler in enumerate(samplers):
            columns = measures(true, sampler.distribution(at.logits[part]), epsilon).numpy()
            for place, column in enumerate(columns):
                totals[index, place] += np.bincount(blocks, column, minlength=at.count)
    counts = np.bincount(at.blocks, minlength=at.count).astype(float)
    return [
        RatioEstimator(sampler.label, name, unit, column, counts, BLOCKS)
        for sampler, own in zip(samplers, totals, strict=True)
        for (name, unit), column in zip(UNITS.items(), own, strict=True)
    ]


def first_impossible(true: Floats, ids: Integers) -> Integers:
    """For each of R texts the index of its first impossible character, L if there is none."""
    chance = np.take_along_axis(true, ids[:, :, None], axis=2)[:, :, 0]
    return np.where((chance == 0).any(1), (chance == 0).argmax(1), ids.shape[1])


def possible_sums(
    label: str, died: Integers, texts_prompts: Sequence[int], length: int, prompts: int
) -> list[RatioEstimator]:
    """Share of the texts that are still possible after n characters, and how often a step that
    begins with a possible text ends in an impossible one."""
    ones = clustered(np.ones(len(died)), texts_prompts, prompts)
    rows = [
        RatioEstimator(
            label, f"possible_{n}", "share", clustered(died >= n, texts_prompts, prompts), ones
        )
        for n in AFTER
        if n <= length
    ]
    lived = clustered(np.minimum(died + 1, length), texts_prompts, prompts)
    wrong = clustered(died < length, texts_prompts, prompts)
    return [*rows, RatioEstimator(label, "impossible_rate", "share", wrong, lived)]


def written_sums(
    sampler: Sampler,
    logits: Tensor,
    true: Floats,
    died: Integers,
    texts_prompts: Sequence[int],
    prompts: int,
    epsilon: float,
) -> list[RatioEstimator]:
    """The quantities of `measures` along the sampler's own texts, at steps whose text is possible
    so far: logits [R, L, V] before each character, `true` [R, L, V], `died` [R]."""
    R, L, V = true.shape
    chosen = sampler.distribution(logits.reshape(R * L, V))
    columns = measures(torch.from_numpy(true).reshape(R * L, V), chosen, epsilon).reshape(-1, R, L)
    alive = np.arange(L) <= died[:, None]
    under = clustered(alive.sum(1), texts_prompts, prompts)
    return [
        RatioEstimator(
            sampler.label,
            f"{name}_written",
            unit,
            clustered((column.numpy() * alive).sum(1), texts_prompts, prompts),
            under,
        )
        for (name, unit), column in zip(UNITS.items(), columns, strict=True)
    ]


def survival(
    label: str, died: Integers, texts_prompts: Sequence[int], length: int, weights: Floats
) -> list[Possible]:
    """The share of texts still possible after 0 to `length` characters, with 95% intervals."""
    prompts = weights.shape[1]
    ones = clustered(np.ones(len(died)), texts_prompts, prompts)
    rows = []
    for n in range(length + 1):
        alive = clustered(died >= n, texts_prompts, prompts)
        rows.append(Possible(label, n, *ratio_interval(alive, ones, weights)))
    return rows


def truncation(
    at: Positions,
    truth: Truth,
    known: Sequence[str],
    epsilon: float,
    weights: Mapping[str, Floats],
) -> list[Truncation]:
    """Impossible against lost mass: every family in `known` along its parameter, and the oracle.

    The oracle sees the truth, but must keep the model's most probable characters, as top-k,
    nucleus and min-p do: at each position it cuts where price * impossible + lost mass is least. No
    such sampler can lie below its curve, whatever rule it cuts by. Temperature cuts nothing: what
    it starves is seen in the divergence alone.
    """
    grids = {name: kind.grid for name, kind in registered(Sampler).items()}
    families = {name: grid for name, grid in grids.items() if name in known and grid}
    points = [(name, value) for name, values in families.items() for value in values]
    samplers = [build({name: value}) for name, value in points]
    totals = np.zeros((len(points) + len(ORACLE_PRICES), 3, at.count))
    done = 0
    with progress.task("truncation", len(at.targets)) as task:
        for part, true in truth.chunks(at):
            blocks = at.blocks[part].numpy()
            columns = [
                measures(true, sampler.distribution(at.logits[part]), epsilon)[:3]
                for sampler in samplers
            ]
            cut = oracle_cuts(torch.softmax(at.logits[part].double(), -1), true)
            for price in ORACLE_PRICES:
                wrong, lost = cut(price)
                columns.append(torch.stack((wrong, lost, torch.full_like(lost, torch.nan))))
            for row, sides in enumerate(columns):
                for side, column in enumerate(sides.numpy()):
                    totals[row, side] += np.bincount(blocks, column, minlength=at.count)
            done += len(blocks)
            task.update(done)
    counts = np.bincount(at.blocks, minlength=at.count).astype(float)
    names = [*points, *((ORACLE, price) for price in ORACLE_PRICES)]
    rows = []
    for (name, value), total in zip(names, totals, strict=True):
        figures = [ratio_interval(side, counts, weights[BLOCKS]) for side in total]
        rows.append(Truncation(name, value, *figures[0], *figures[1], *figures[2]))
    return rows


def oracle_cuts(model: Tensor, true: Tensor) -> Callable[[float], tuple[Tensor, Tensor]]:
    """From a price to (impossible mass, lost mass), each [N], of the best cut at each position.

    `model` and `true` are [N, V]; what is kept is a number of the model's most probable characters.
    """
    ordered, order = torch.sort(model, dim=-1, descending=True, stable=True)
    sorted_true = true.gather(-1, order)
    wrong = torch.where(sorted_true == 0, ordered, 0.0).cumsum(-1) / ordered.cumsum(-1)
    lost = (1 - sorted_true.cumsum(-1)).clamp_min(0.0)

    def cut(price: float) -> tuple[Tensor, Tensor]:
        best = (price * wrong + lost).argmin(-1, keepdim=True)
        return wrong.gather(-1, best).squeeze(-1), lost.gather(-1, best).squeeze(-1)

    return cut
