"""A run as an experiment would leave it: plausible figures, invented texts, no model."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nextchar.results import HUMAN, Metric, MetricInfo, Run, Sample, TrainingRecord

SAMPLERS = (
    "greedy",
    "temperature=0.7",
    "temperature=1",
    "top_k=5",
    "top_k=10",
    "top_p=0.9",
    "top_p=0.95",
    "temperature=0.7 top_p=0.95",
)
MANY = (
    "greedy",
    *(f"temperature={t:g}" for t in (0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.3)),
    *(f"top_k={k}" for k in (2, 3, 5, 10, 20, 40)),
    *(f"top_p={p:g}" for p in (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)),
    *(f"min_p={p:g}" for p in (0.02, 0.05, 0.1, 0.2)),
    *(f"typical={p:g}" for p in (0.2, 0.5, 0.9, 0.95)),
    *(f"temperature=0.7 top_p={p:g}" for p in (0.8, 0.9, 0.95)),
    *(f"top_p={p:g} temperature=0.7" for p in (0.9, 0.95)),
    *(f"eta={p:g}" for p in (0.0003, 0.002, 0.01)),
    *(f"top_n_sigma={n:g}" for n in (1, 2)),
    "temperature=1.3 top_k=20 min_p=0.05",
)
"""Forty, for pictures that must still be read."""


def _info(
    name: str, unit: str, short: str, long: str, ends: tuple[str, str] | None = None
) -> MetricInfo:
    return MetricInfo(
        name=name,
        unit=unit,
        short=short,
        long=long,
        description=f"What {long} says.",
        ends=ends,
        headline=True,
        group="generated text",
    )


DEFINITIONS = {
    each.name: each
    for each in (
        _info(
            "bits_per_character",
            "bits",
            "bits/\nchar",
            "bits per character",
            ("predictable", "surprising"),
        ),
        _info("entropy", "bits", "entropy", "entropy"),
        _info("kept_characters", "characters", "kept\nchars", "kept characters"),
        *(
            _info(f"distinct_{n}", "ratio", f"dist-{n}", f"distinct-{n}", ("repetitive", "varied"))
            for n in (1, 2, 3, 4)
        ),
        _info("loops", "share", "loops", "looping texts"),
        _info("unknown_words", "share", "unknown\nwords", "unknown words"),
    )
}
_SPREAD = {
    "greedy": 0.0,
    "temperature=0.7": 0.58,
    "temperature=1": 1.03,
    "top_k=5": 0.74,
    "top_k=10": 0.88,
    "top_p=0.9": 0.79,
    "top_p=0.95": 0.91,
    "temperature=0.7 top_p=0.95": 0.47,
    HUMAN: 0.97,
}


def _spread(label: str) -> float:
    """How far a sampler is from greedy (0) towards the model itself (1): invented."""
    if label in _SPREAD:
        return _SPREAD[label]
    spread = 1.1
    for part in label.split():
        key, _, text = part.partition("=")
        value = float(text or 1)
        if key == "temperature":
            spread *= min(value, 1.5) ** 1.2
        elif key == "top_k":
            spread *= 1 - 0.8 / value
        elif key == "top_p":
            spread *= value**1.5
        else:
            spread *= 0.35 + 0.6 * (value / (1 + value)) ** 0.3
    return spread


def _values(label: str, noise: random.Random) -> dict[str, tuple[float, float]]:
    """Value and half-width of each metric."""
    s = _spread(label)
    jitter = noise.uniform(-0.015, 0.015)
    values = {
        "bits_per_character": (0.6 + 1.62 * s**1.3 + jitter, 0.02 + 0.02 * s),
        "entropy": (1.9 * s, 0.015 + 0.01 * s),
        "kept_characters": (1 + 64 * min(s, 1.0) ** 4, 0.02 + 0.3 * s),
        "distinct_1": (0.06 + 0.29 * s + jitter, 0.006),
        "distinct_2": (min(0.3 + 0.57 * s**0.8 + jitter, 0.97), 0.008),
        "distinct_3": (min(0.42 + 0.56 * s**0.6, 0.995), 0.004),
        "distinct_4": (min(0.47 + 0.52 * s**0.5, 0.999), 0.0025),
        "loops": (max(0.83 - 1.6 * s, 0.0), 0.04 * max(1 - s, 0.0)),
        "unknown_words": (0.01 + 0.09 * s**2 + jitter / 4, 0.006),
    }
    if label == HUMAN:
        values |= {"bits_per_character": (2.2, 0.03), "distinct_2": (0.85, 0.008)}
        values |= {"loops": (0.0, 0.0), "unknown_words": (0.052, 0.005)}
        del values["entropy"], values["kept_characters"]
    return values


_STOCK = (
    "the and to of I you my that in your not is his be for with it me lord so this thou but have "
    "as him what will he no thy shall her good all are we do now from if come king or sir by love "
    "would our more well hath then how let at was o'er crown grace blood heart night sweet death"
)
_WORDS = _STOCK.split()


def _text(label: str, noise: random.Random, length: int) -> str:
    """Lines of stock words; greedy repeats itself."""
    if label == "greedy":
        return ("the world the stranger of the world\nthat shall the state " * length)[:length]
    words: list[str] = []
    line = 0
    while sum(len(word) + 1 for word in words) < length + 20:
        word = noise.choice(_WORDS)
        if noise.random() < 0.08 * _spread(label):
            word = word[::-1] + noise.choice(["eth", "ing", "st"])
        line += len(word) + 1
        if line > 34:
            mark = noise.choice(
                [",\n", ".\n", "\n", ".\n\nROMEO:\n", ".\n\nDUKE VINCENTIO:\n", ";\n"]
            )
            word, line = word + mark, 0
        words.append(word)
    return " ".join(words).replace("\n ", "\n")[:length]


def _samples(
    labels: Sequence[str], prompts: int, per_prompt: int, length: int, noise: random.Random
) -> list[Sample]:
    openings = ["ROMEO:\nBut soft, what light", "MENENIUS:\nWhat work's, my countrymen, in hand"]
    openings += ["First Citizen:\nBefore we proceed", "JULIET:\nO, ", "KING RICHARD III:\nNow is"]
    samples = []
    for label in labels:
        for prompt in range(prompts):
            for sample in range(1 if label in ("greedy", HUMAN) else per_prompt):
                text = _text(label, noise, length)
                scale = 0.6 + 1.62 * _spread(label) ** 1.3
                bits = tuple(
                    noise.expovariate(1 / (scale * (2.2 if i and text[i - 1] in " \n" else 0.75)))
                    for i, _ in enumerate(text)
                )
                samples.append(
                    Sample(label, prompt, sample, openings[prompt % len(openings)], text, bits)
                )
    return samples


def _training(steps: int, noise: random.Random) -> list[TrainingRecord]:
    records = []
    for step in range(0, steps + 1, 20):
        fit = 1.22 + 2.95 * math.exp(-step / 260) + 0.25 * math.exp(-step / 1500)
        over = 0.24 + 0.05 * (step / steps) ** 2 - 0.24 * math.exp(-step / 500)
        val = fit + over + 0.12 * max(step / steps - 0.7, 0) if step % 100 == 0 else None
        rate = 1e-3 * min((step + 1) / 100, 0.1 + 0.9 * math.cos(math.pi * step / steps / 2) ** 2)
        records.append(TrainingRecord(step, fit + noise.gauss(0, 0.02), val, rate, 51234.5))
    return records


def _manifest(run_id: str, samplers: Sequence[str]) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "command": "nextchar-run seed=1",
        "model_id": "4be1d07c93",
        "code": {"version": "0.1.0", "commit": "8d2f6c1e5b9a", "dirty": False},
        "packages": {"torch": "2.6.0", "labml": "0.4.168", "labml-nn": "0.4.137"},
        "hardware": {"processor": "x86_64", "cores": 2, "accelerator": None},
        "threads": 2,
        "corpus": {
            "name": "tiny_shakespeare",
            "requested": "tiny_shakespeare",
            "substituted": None,
            "sha256": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            "characters": 1115394,
            "vocabulary_size": 65,
            "entropy_rate": None,
        },
        "model": {
            "parameters": 816705,
            "validation_loss": 1.5184,
            "best_step": 1500,
            "protocol": "Mean over all validation characters, each with a full window of context.",
        },
        "generation": {"samplers": list(samplers), "prompts": 64, "length": 256},
        "seeds": {"training": 1, "generation": 1},
        "sha256": {"weights": "1f" * 32, "samples": "2e" * 32, "metrics": "3d" * 32},
        "times": {"started": "2025-01-02T03:04:05Z", "finished": "2025-01-02T03:14:15Z"},
        "warnings": [],
    }


def example_run(
    folder: Path,
    samplers: Sequence[str] = SAMPLERS,
    *,
    human: bool = True,
    prompts: int = 4,
    samples_per_prompt: int = 2,
    length: int = 160,
    manifest: Mapping[str, Any] | None = None,
) -> Run:
    """A finished run in `folder` (nothing is written); `manifest` replaces keys at its top."""
    noise = random.Random(7)
    labels = [*samplers, HUMAN] if human else list(samplers)
    metrics = []
    for label in labels:
        for metric, (value, half) in _values(label, noise).items():
            low, high = value - half, value + half
            if DEFINITIONS[metric].unit in ("ratio", "share"):
                low, high = max(low, 0.0), min(high, 1.0)
            metrics.append(Metric(label, metric, value, low, high, 128, DEFINITIONS[metric].unit))
    return Run(
        folder=folder,
        config={
            "name": "shakespeare",
            "seed": 1,
            "corpus": {"name": "tiny_shakespeare", "path": None, "fallback": True},
            "model": {"layers": 4, "heads": 4, "width": 128, "context": 128},
            "training": {"steps": 2000, "batch_size": 32, "learning_rate": 1e-3},
            "decoding": {
                "samplers": list(samplers),
                "prompts": prompts,
                "samples_per_prompt": samples_per_prompt,
                "length": length,
            },
            "paths": {"data": "data", "outputs": "outputs"},
        },
        manifest={**_manifest("a1b2c3d4e5", samplers), **(manifest or {})},
        timings={"train": 512.3, "generate": 61.2},
        metrics=metrics,
        samples=_samples(labels, prompts, samples_per_prompt, length, noise),
        training=_training(2000, noise),
        definitions=DEFINITIONS,
    )
