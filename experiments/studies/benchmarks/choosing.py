"""The time of choosing a character, as a share of a step of the model.

768 rows at the default size. Below 1, choosing takes less time than the step.
"""

from __future__ import annotations

import argparse
from functools import partial

import torch
from torch import Tensor

from nextchar.runtime import device
from nextchar.samplers import Sampler, State, build, draw
from studies.benchmarks import rounds, subject

SPECS: list[str | dict[str, float]] = [
    "greedy",
    {"temperature": 0.7},
    {"dynamic_temperature": 0.7},
    {"top_k": 5},
    {"top_p": 0.9},
    {"min_p": 0.1},
    {"typical": 0.9},
    {"epsilon": 0.02},
    {"eta": 0.02},
    {"top_n_sigma": 1},
    {"top_h": 0.5},
    {"xtc": 0.1},
    {"mirostat": 2},
    {"repetition_penalty": 1.2},
    {"no_repeat_ngram": 8},
    {"dry": 0.8},
]


def describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=rounds.count, default=768)
    parser.add_argument("--rounds", type=rounds.count, default=20)
    parser.add_argument("--threads", type=rounds.count, default=2)


@torch.no_grad()
def run(arguments: argparse.Namespace) -> None:
    device.configure_torch(arguments.threads)
    model = subject.transformer()
    generator = torch.Generator().manual_seed(1)
    prompts = torch.randint(subject.VOCABULARY, (arguments.rows, 128), generator=generator)
    noise = torch.rand(arguments.rows, dtype=torch.float64, generator=generator)
    logits, cache = model.prefill(prompts)
    contestants: dict[str, rounds.Contestant] = {
        "the model's step": lambda: rounds.timed(lambda: model.step(prompts[:, 0], cache))
    }
    for spec in SPECS:
        sampler = build(spec)
        state = sampler.start(prompts) if sampler.has_memory else None
        chosen = partial(choose, sampler, state, logits, noise)
        contestants[sampler.label] = partial(rounds.timed, chosen)
    seconds = rounds.alternate(contestants, arguments.rounds)
    step = seconds.pop("the model's step")
    print(
        f"{arguments.rows} rows, {arguments.threads} threads, {arguments.rounds} alternating rounds"
    )
    print(f"the model's step: {rounds.spread([1000 * each for each in step])} ms")
    for label, taken in seconds.items():
        ratios = [own / model_s for own, model_s in zip(taken, step, strict=True)]
        print(f"{label:24} {rounds.spread(ratios)} steps")


def choose(sampler: Sampler, state: State | None, logits: Tensor, noise: Tensor) -> None:
    """One choice of a sampler for all rows, and what it remembers of it."""
    ids = draw(sampler.distribution(logits, state), noise)
    if state is not None:
        sampler.advance(state, logits, ids)
