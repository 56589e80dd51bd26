"""The likeliest characters at each place of the texts that a page shows, where it can't compute
them itself.

Shapes: R texts, T characters of a prompt, L characters of a text, V vocabulary, K candidates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from nextchar.data.corpus import Vocabulary
from nextchar.decoding.engine import teacher_forced_logits
from nextchar.models.base import LanguageModel
from nextchar.results import Candidates, Sample

K, PROMPTS = 16, 8


@torch.no_grad()
def likeliest(
    model: LanguageModel, vocabulary: Vocabulary, samples: Sequence[Sample]
) -> Candidates:
    """The K likeliest characters of each place of the first text of every sampler after the first
    prompts."""
    shown = sorted(
        (each for each in samples if each.prompt < PROMPTS and each.sample == 0),
        key=lambda each: each.prompt,
    )
    device = next(model.parameters()).device
    prompts = torch.stack([vocabulary.encode(each.prompt_text) for each in shown]).to(device)
    texts = torch.stack([vocabulary.encode(each.text) for each in shown]).to(device)
    ids, bits = [], []
    for logits in teacher_forced_logits(model, prompts, texts):
        found = F.log_softmax(logits.double(), -1).topk(min(K, len(vocabulary)))
        ids.append(found.indices.cpu().numpy())
        bits.append(found.values.cpu().numpy() / -math.log(2))
    keys = [(each.sampler, each.prompt, each.sample) for each in shown]
    return Candidates(keys, np.stack(ids, axis=1), np.stack(bits, axis=1))
