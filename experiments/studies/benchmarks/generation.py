"""Characters per second of the engine, of a loop without a cache and of transformers, as ratios.

The engine generates for the eight default samplers at once and computes the metrics of a
comparison. The loop uses the same model and one sampler (top-k 5), and reads the whole window for
each character; every 16th of its steps is timed. transformers' `generate` (a GPT-2 of this size,
top-k 5, with its cache) runs in an environment of its own: --transformers PYTHON. --batches
measures the engine alone, compared with the bound of the memory bandwidth.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import IO

import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.config import ConfigError, TransformerConfig
from nextchar.decoding.engine import Row, generate
from nextchar.models.transformer import Transformer
from nextchar.runtime import device
from nextchar.samplers import build
from studies.benchmarks import batches, rounds, subject

SPECS: list[str | dict[str, float]] = [
    "greedy",
    {"temperature": 0.7},
    {"temperature": 1.0},
    {"top_k": 5},
    {"top_k": 10},
    {"top_p": 0.9},
    {"top_p": 0.95},
    {"temperature": 0.7, "top_p": 0.95},
]
EVERY = 16
"""One in this many steps of the no-cache loop is timed: its cost is smooth in the length."""


def describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=rounds.count, nargs="+", default=[256, 768])
    parser.add_argument("--characters", type=rounds.count, default=255)
    parser.add_argument("--rounds", type=rounds.count, default=5)
    parser.add_argument("--threads", type=rounds.count, default=2)
    parser.add_argument(
        "--batches", type=rounds.count, nargs="+", help="batch sizes, such as 1 64 1024 8192"
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="for --batches")
    parser.add_argument("--transformers", metavar="PYTHON", help="a Python that has transformers")


def run(arguments: argparse.Namespace) -> None:
    device.configure_torch(arguments.threads)
    if arguments.batches:
        chosen = device.choose(arguments.device)
        batches.run(arguments.batches, arguments.characters, arguments.rounds, chosen)
        return
    model, length = subject.transformer(), arguments.characters
    peer = Peer(arguments.transformers, arguments.threads) if arguments.transformers else None
    for count in arguments.rows:
        prompts = subject.prompts(count)
        contestants: dict[str, rounds.Contestant] = {
            "engine": partial(engine, model, prompts, length),
            "no cache": partial(no_cache, model, prompts, length),
        }
        if peer:
            contestants["transformers"] = partial(peer.seconds, count, length)
        seconds = rounds.alternate(contestants, arguments.rounds)
        print(f"\n{count} rows of {length} characters, {arguments.threads} threads")
        for name, taken in seconds.items():
            speeds = [count * length / each for each in taken]
            line = f"{name:14} {rounds.spread(speeds):>28} characters/s"
            if name != "engine":
                ratios = [other / own for own, other in zip(seconds["engine"], taken, strict=True)]
                line += f"   engine is {rounds.spread(ratios)} times as fast"
            print(line, flush=True)


def engine(model: Transformer, prompts: Tensor, length: int) -> float:
    """Seconds of the engine; the samplers alternate over the rows."""
    samplers = [build(spec) for spec in SPECS]
    rows = [Row(i % len(samplers), i, 0) for i in range(len(prompts))]
    return rounds.timed(
        lambda: generate(
            model, prompts, samplers, rows, length=length, seed=0, on_progress=lambda done: None
        )
    )


@torch.no_grad()
def no_cache(model: Transformer, prompts: Tensor, length: int) -> float:
    """Seconds of a loop that reads the whole window for each character, as small scripts do."""
    generator = torch.Generator().manual_seed(0)
    text = torch.randint(subject.VOCABULARY, (len(prompts), length), generator=generator)

    def step(t: int) -> None:
        logits = model(text[:, max(0, t - model.context) : t])[:, -1]
        kept = logits.topk(5).values[:, -1:]
        torch.multinomial(F.softmax(logits.masked_fill(logits < kept, -torch.inf), -1), 1)

    timed = range(1, length + 1, EVERY)
    return sum(rounds.timed(partial(step, t)) for t in timed) * length / len(timed)


class Peer:
    """transformers in a Python of its own, which times one round on request.

    Raises ConfigError where that Python can't run it.
    """

    def __init__(self, python: str, threads: int) -> None:
        script = Path(__file__).with_name("transformers_peer.py")
        shape = TransformerConfig()
        sizes = (shape.layers, shape.width, shape.heads, subject.VOCABULARY, threads)
        self._process = subprocess.Popen(
            [python, str(script), *map(str, sizes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        print(f"peer: {self._line()}", file=sys.stderr)

    def seconds(self, rows: int, length: int) -> float:
        """Seconds of one `generate` of this many rows and characters."""
        pipe = self._process.stdin
        assert pipe is not None
        pipe.write(f"{rows} {length}\n")
        pipe.flush()
        return float(self._line())

    def _line(self) -> str:
        answers: IO[str] | None = self._process.stdout
        assert answers is not None
        line = answers.readline().strip()
        if not line:
            raise ConfigError(
                "--transformers: that Python could not run transformers; its error is above"
            )
        return line
