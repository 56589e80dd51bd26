"""What measuring costs: every metric of 16 sampler settings, part by part.

The texts are the engine's: 4 of 256 characters for each setting after each of 64 prompts of tiny
Shakespeare (the embedded corpus, said so, where it can't be had), from a small model that was
trained for a moment, so that they have words and lines. Writing them is not counted. Seconds are of
the clock and of the processor (all threads); memory is the most that the process has held.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from nextchar import config
from nextchar.config import Config
from nextchar.data import corpus
from nextchar.decoding.registry import build_decoders
from nextchar.experiment import compare
from nextchar.models.registry import build_model
from nextchar.runtime import device, progress
from nextchar.training import trainer

SPECS: list[Any] = [
    "greedy",
    *({"temperature": t} for t in (0.5, 0.7, 0.9, 1.0)),
    *({"top_k": k} for k in (3, 5, 10, 20)),
    *({"top_p": p} for p in (0.8, 0.9, 0.95, 0.98)),
    {"min_p": 0.1},
    {"typical": 0.9},
    {"temperature": 0.7, "top_p": 0.95},
]


PROCESSOR = "processor_seconds"


def describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--samples", type=int, default=4, help="texts after each prompt")
    parser.add_argument("--length", type=int, default=256, help="characters of each text")
    parser.add_argument("--steps", type=int, default=100, help="of the small model's training")
    parser.add_argument("--threads", type=int, default=2)


def run(arguments: argparse.Namespace) -> None:
    asked = _asked(arguments)
    device.configure_torch(asked.threads)
    text = corpus.load(asked.corpus)
    if text.substituted:
        progress.say(f"note: {text.substituted}")
    model = build_model(asked.model, len(text.vocabulary), asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        trainer.train(
            model, text, asked.training, seed=0, folder=Path(folder), on_record=lambda record: None
        )
    methods = build_decoders(SPECS, asked.decoding.samples_per_prompt)
    found = compare.compare(model, text, methods, asked.decoding, asked.metrics, asked.seed)
    asked_for = asked.decoding
    print(
        f"{len(SPECS)} settings x {asked_for.prompts} prompts x {asked_for.samples_per_prompt} "
        f"texts x {asked_for.length} characters of {text.name}, {asked.threads} threads: "
        f"{len(found.metrics):,} figures, {len(found.differences):,} differences"
    )
    parts = found.timings["metrics"]["parts"]
    whole = {key: sum(own[key] for own in parts.values()) for key in ("seconds", PROCESSOR)}
    for name, own in {**parts, "all": whole}.items():
        print(f"{name:24} {own['seconds']:7.1f} s   {own[PROCESSOR]:7.1f} s of the processor")
    # Kilobytes, but on macOS, where they are bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"peak memory {peak / 1e9:.2f} GB, training and writing included")


def _asked(arguments: argparse.Namespace) -> Config:
    return config.compose(
        *("metrics=full", "metrics.frontier=true", f"threads={arguments.threads}"),
        *("model.layers=2", "model.width=64", "training.batch_size=8"),
        *(f"training.steps={arguments.steps}", f"training.evaluate_every={arguments.steps}"),
        *("training.warmup_steps=5", f"decoding.prompts={arguments.prompts}"),
        f"decoding.samples_per_prompt={arguments.samples}",
        f"decoding.length={arguments.length}",
    )
