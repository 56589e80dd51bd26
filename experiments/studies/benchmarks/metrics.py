"""The time of every metric, part by part, for 16 sampler settings.

The texts are 4 of 256 characters for each setting after each of 64 prompts of tiny Shakespeare (or
of the embedded corpus, with a note, where that can't be downloaded). They come from a small model
that was trained briefly, so that they have words and lines; generating them is not counted. Seconds
are wall time and processor time (all threads); memory is the peak of the process.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from nextchar.config import Config, compose
from nextchar.data.corpus import load as load_corpus
from nextchar.decoding.registry import build_decoders
from nextchar.experiment.compare import compare
from nextchar.models.registry import build_model
from nextchar.runtime import device, progress
from nextchar.training import trainer
from studies.benchmarks import rounds

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
    parser.add_argument("--prompts", type=rounds.count, default=64)
    parser.add_argument("--samples", type=rounds.count, default=4, help="texts per prompt")
    parser.add_argument("--length", type=rounds.count, default=256, help="characters of each text")
    parser.add_argument("--steps", type=rounds.count, default=100, help="steps of its training")
    parser.add_argument("--threads", type=rounds.count, default=2)


def run(arguments: argparse.Namespace) -> None:
    config = _config(arguments)
    device.configure_torch(config.threads)
    corpus = load_corpus(config.corpus)
    if corpus.substituted:
        progress.say(f"note: {corpus.substituted}")
    model = build_model(config.model, len(corpus.vocabulary), config.seed)
    with tempfile.TemporaryDirectory() as folder:
        trainer.train(
            model,
            corpus,
            config.training,
            seed=0,
            folder=Path(folder),
            on_record=lambda record: None,
        )
    decoding = config.decoding
    decoders = build_decoders(SPECS, decoding.samples_per_prompt)
    found = compare(model, corpus, decoders, decoding, config.metrics, config.seed)
    print(
        f"{len(SPECS)} settings x {decoding.prompts} prompts x {decoding.samples_per_prompt} "
        f"texts x {decoding.length} characters of {corpus.name}, {config.threads} threads: "
        f"{len(found.metrics):,} values, {len(found.differences):,} differences"
    )
    parts = found.timings["metrics"]["parts"]
    total = {key: sum(own[key] for own in parts.values()) for key in ("seconds", PROCESSOR)}
    for name, own in {**parts, "all": total}.items():
        print(f"{name:24} {own['seconds']:7.1f} s   {own[PROCESSOR]:7.1f} s of the processor")
    # Kilobytes, except on macOS: bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"peak memory {peak / 1e9:.2f} GB, training and generation included")


def _config(arguments: argparse.Namespace) -> Config:
    return compose(
        *("metrics=full", "metrics.frontier=true", f"threads={arguments.threads}"),
        *("model.layers=2", "model.width=64", "training.batch_size=8"),
        *(f"training.steps={arguments.steps}", f"training.evaluate_every={arguments.steps}"),
        *("training.warmup_steps=5", f"decoding.prompts={arguments.prompts}"),
        f"decoding.samples_per_prompt={arguments.samples}",
        f"decoding.length={arguments.length}",
    )
