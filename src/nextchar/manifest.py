"""Where every figure came from: code, packages, machine, text, seeds, hashes, times."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import nextchar
from nextchar import checkpoint, device, generation, results
from nextchar.config import Config
from nextchar.corpus import Corpus
from nextchar.model import LanguageModel

PACKAGES = (
    "torch",
    "labml",
    "labml-nn",
    "hydra-core",
    "omegaconf",
    "numpy",
    "safetensors",
    "matplotlib",
)

PAST_THE_CONTEXT = {
    "transformer": "the window slides: a character attends to the last model.context characters, "
    "whose keys and values stay as they were computed",
    "labml_nn": "the text is cropped: the last model.context characters are read anew each time",
    "gpt2": "the text is cropped: the last model.context characters are read anew each time",
}


@cache
def code() -> dict[str, Any]:
    """Version, commit and state of the code as it was at the first call; `sha256` of its files."""
    package = Path(nextchar.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    commit = _git(package, "rev-parse", "HEAD")
    dirty = None if commit is None else bool(_git(package, "status", "--porcelain", "--", "."))
    return {
        "version": nextchar.__version__,
        "commit": commit,
        "dirty": dirty,
        "sha256": digest.hexdigest(),
    }


def other_code(made_by: Mapping[str, Any], what: str) -> str | None:
    """A warning where `what` was made by other code than this, in words that begin a sentence."""
    if made_by["sha256"] == code()["sha256"]:
        return None
    commit = made_by["commit"] or "no commit"
    return f"{what} by another version of the code ({commit[:12]}); force=true computes it again"


def packages() -> dict[str, str]:
    """Versions of the packages that decide the figures."""
    return {name: version(name) for name in PACKAGES}


def file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def now() -> str:
    """UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def origins(
    asked: Config,
    text: Corpus,
    model: LanguageModel,
    trained: Mapping[str, Any],
    folder: Path,
    place: torch.device,
) -> dict[str, Any]:
    """The part of the manifest that says where the figures came from; trained on `place`."""
    return {
        "code": code(),
        "corpus": {
            "name": text.name,
            "requested": asked.corpus.name,
            "substituted": text.substituted,
            "sha256": text.sha256,
            "characters": len(text.text),
            "vocabulary_size": len(text.vocabulary),
            "entropy_rate": text.automaton.entropy_rate() if text.automaton else None,
        },
        "model": {**trained, "checkpoint": asked.decoding.checkpoint},
        "generation": {
            "past_the_context": PAST_THE_CONTEXT[asked.model.kind],
            "precision": "float32 logits, float64 probabilities",
            "rows_in_a_block": generation.BLOCK,
            "device": next(model.parameters()).device.type,
            "noise": "inverse transform, float64, keyed by (seed, prompt, sample)",
        },
        "seeds": {"seed": asked.seed, "corpus": asked.corpus.seed},
        "hardware": device.describe(place),
        "packages": packages(),
        "sha256": {"weights": checkpoint.weights_sha256(model.state_dict())} | hashes(folder),
    }


def hashes(folder: Path) -> dict[str, str]:
    """sha256 of the samples and of every table of figures that the run in `folder` has."""
    tables = (results.DIFFERENCES, results.FAMILIES, results.TRUNCATION, results.POSSIBLE)
    names = [results.SAMPLES, results.METRICS, *tables]
    return {
        Path(name).stem: file_sha256(folder / name) for name in names if (folder / name).exists()
    }


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says of the folder, or None: no git, or no repository (an installed wheel)."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
