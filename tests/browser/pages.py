"""Pages with a model, made without a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nextchar.models.base import LanguageModel
from nextchar.plots import Drawn
from nextchar.report.page import write_page

CHARACTERS = "abcdefghijk"


def matrices(model: LanguageModel) -> dict[str, np.ndarray]:
    return {name: each.numpy() for name, each in model.state_dict().items()}


def model_page(folder: Path, model: dict[str, Any]) -> Path:
    """A page that holds a model over eleven characters, and one text of it."""
    texts = [{"sampler": "greedy", "sample": 0, "text": "abc", "bits": [1.0, 2.0, 3.0]}]
    play = {
        "vocabulary": CHARACTERS,
        "seed": 0,
        "samplers": [{"label": "greedy", "spec": "greedy", "color": "#000"}],
        "prompts": [{"index": 0, "text": "ab", "texts": texts}],
        "model": model,
        "missing": None,
        "beside": None,
        "candidates": None,
    }
    return write_page(folder, "play/play.html.jinja", Drawn(), [], name="test", play=play)
