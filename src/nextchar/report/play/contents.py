"""What the page can be played with: texts and their bits, samplers, and the model or the likeliest
characters of each place."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import numpy as np

from nextchar import results
from nextchar.report.play.weights import (
    BESIDE,
    EXACT,
    KIND,
    beside_page,
    embedded,
    in_page,
    read_weights,
)
from nextchar.report.samples import CHARACTERS, Shown
from nextchar.results import REFERENCES, Candidates, Run

MOST_BITS = 10_000
"""What stands for an impossible character: JSON has no infinity."""

PLACES = 11_500
"""At most so many places have candidates in the page: with 16 each, below 1 MB."""


def contents(run: Run, shown: Shown) -> dict[str, Any] | None:
    """The data of report.html; None without texts, or for a run of an older version."""
    vocabulary = run.manifest.get("corpus", {}).get("vocabulary")
    if not shown.prompts or vocabulary is None:
        return None
    kind, parameters = run.config["model"]["kind"], run.manifest["model"]["parameters"]
    held = _model(run, exact=parameters <= EXACT) if in_page(kind, parameters) else None
    beside = beside_page(kind, parameters) and _folder(run).exists()
    return {
        "vocabulary": vocabulary,
        "seed": run.seeds[0] if run.seeds else run.config["seed"],
        "samplers": _samplers(run),
        "prompts": _prompts(run, shown),
        "model": held,
        "missing": None if held else _missing(run, kind, parameters),
        "beside": results.PLAY if beside else None,
        "candidates": None if held or run.candidates is None else _candidates(run.candidates),
    }


def contents_beside(run: Run, contents: dict[str, Any]) -> dict[str, Any]:
    """The data of play.html: the same with the exact model."""
    return contents | {
        "model": _model(run, exact=True),
        "missing": None,
        "beside": None,
        "candidates": None,
    }


def _model(run: Run, *, exact: bool) -> dict[str, Any] | None:
    """None where the model's folder is gone."""
    folder = _folder(run)
    if not folder.exists():
        return None
    weights = read_weights(folder, run.config["decoding"]["checkpoint"])
    return embedded(weights, run.config["model"], exact=exact)


def _folder(run: Run) -> Any:
    """The model's folder; of several seeds that of the first, whose texts are shown."""
    return run.folder.parent.parent / "models" / results.model_ids(run.manifest)[0]


def _missing(run: Run, kind: str, parameters: int) -> str:
    """Why report.html has no model."""
    if kind != KIND:
        return f"The page can compute nextchar’s own transformer only, and this model is {kind}."
    if parameters > BESIDE:
        return f"A model of {parameters:,} parameters is too large for a page."
    if not _folder(run).exists():
        return "The model’s folder was gone when this page was written."
    return f"A model of {parameters:,} parameters would make this page too large."


def _samplers(run: Run) -> list[dict[str, Any]]:
    """Labels with what stands in the config, in the order of application."""
    labels = [label for label in run.samplers if label not in REFERENCES]
    specs = [_finite(spec) for spec in run.config["decoding"]["samplers"]]
    known = specs if len(specs) == len(labels) else [None] * len(labels)
    return [{"label": label, "spec": spec} for label, spec in zip(labels, known, strict=True)]


def _finite(spec: Any) -> Any:
    """None for a sampler with a number that JSON does not have, such as top_n_sigma=inf."""
    try:
        json.dumps(spec, allow_nan=False)
    except ValueError:
        return None
    return spec


def _prompts(run: Run, shown: Shown) -> list[dict[str, Any]]:
    indices = {prompt.index for prompt in shown.prompts}
    prompts: dict[int, dict[str, Any]] = {}
    firsts: set[tuple[int, str]] = set()
    for each in sorted(run.samples, key=lambda sample: sample.sample):
        if each.prompt not in indices or (each.prompt, each.sampler) in firsts:
            continue
        firsts.add((each.prompt, each.sampler))
        own = prompts.setdefault(
            each.prompt, {"index": each.prompt, "text": each.prompt_text, "texts": []}
        )
        bits = [round(min(bits, MOST_BITS), 2) for bits in each.bits[:CHARACTERS]]
        own["texts"].append(
            {
                "sampler": each.sampler,
                "sample": each.sample,
                "text": each.text[:CHARACTERS],
                "bits": bits,
            }
        )
    return [prompts[index] for index in sorted(prompts)]


def _candidates(candidates: Candidates) -> dict[str, Any]:
    """Ids (uint16) and thousandths of bits (uint16), [texts, L, K] in base64, little-endian."""
    kept = max(PLACES // candidates.ids.shape[1], 1)
    ids, bits = candidates.ids[:kept], candidates.bits[:kept]
    return {
        "texts": [list(key) for key in candidates.texts[:kept]],
        "shape": list(ids.shape[1:]),
        "ids": b64encode(ids.astype("<u2").tobytes()).decode(),
        "bits": b64encode(np.rint(np.minimum(bits, 65) * 1000).astype("<u2").tobytes()).decode(),
    }
