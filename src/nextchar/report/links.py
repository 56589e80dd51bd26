"""What lies beside a run's page, in words."""

from __future__ import annotations

from pathlib import Path

from nextchar import results

_WORDS = {
    results.METRICS: "every figure with its 95% interval",
    results.DEFINITIONS: "what the metrics are called and what they say",
    results.DIFFERENCES: "every pair of samplers on every metric, corrected by Holm",
    results.FAMILIES: "families at settings chosen on other prompts",
    results.TRUNCATION: "what samplers cut, compared with the truth",
    results.POSSIBLE: "how long texts stay possible",
    results.SAMPLES: "every text, with the bits of each character",
    results.PLAY: "the playground with the exact weights",
    results.CANDIDATES: "the 16 likeliest characters of each place, for NumPy",
    results.SUMS: "the sums behind every figure, for NumPy",
    results.CURVE_SUMS: "the sums behind truncation.csv and possible.csv, for NumPy",
    results.CONFIG: "what was asked",
    results.MANIFEST: "where every figure comes from",
    results.TIMINGS: "how long it took",
    results.PLOTS: "the figures as PNG and SVG",
    results.LABML: "what was logged on the way, for TensorBoard",
    results.DONE: "the sha256 of these files",
}


def links(folder: Path) -> list[tuple[str, str]]:
    """Each file and folder of the run in `folder`, and what it holds; DONE is written last."""
    there = {path.name for path in folder.iterdir()} | {results.DONE}
    return [(name, words) for name, words in _WORDS.items() if name in there]
