"""One text, character by character, as it is written.

Shapes: T characters of a prompt, L characters of a text, R rows of a block, V vocabulary.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from nextchar.decoding.blocks import block_rows
from nextchar.decoding.engine import Choices, Row, noise, score_bits
from nextchar.decoding.registry import Decoder
from nextchar.decoding.search import Search
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler


def stream(
    model: LanguageModel, prompt: Tensor, decoder: Decoder, *, sample: int, length: int, seed: int
) -> Iterator[tuple[int, float]]:
    """Ids [L] that follow a prompt [T], each with its bits under the untouched model.

    The text is the one that `engine.generate` writes for the first prompt and this `sample`. A
    search knows its first character only when the whole text is written.
    """
    row = Row(0, 0, sample)
    if isinstance(decoder, Search):
        ids = decoder.write(
            model, prompt[None], [row], length=length, seed=seed, on_progress=lambda _: None
        )
        bits = score_bits(model, prompt[None], ids.to(prompt.device))
        yield from zip(ids[0].tolist(), bits[0].tolist(), strict=True)
    else:
        yield from _sampled(model, prompt, decoder, row, length, seed)


@torch.no_grad()
def _sampled(
    model: LanguageModel, prompt: Tensor, sampler: Sampler, row: Row, length: int, seed: int
) -> Iterator[tuple[int, float]]:
    """Of a block whose rows are all the same text: how many rows step together may move a bit."""
    read = prompt.expand(block_rows(model, prompt[None], 1), -1)
    draws = torch.from_numpy(noise(seed, row.prompt, row.sample, length)).to(prompt.device)
    choices = Choices([sampler], [row] * len(read), read, {row.sampler: 0.0})
    logits, cache = model.prefill(read)
    for t in range(length):
        ids, bits, *_ = choices(logits, draws[t].expand(len(read)))
        yield int(ids[0]), float(bits[0])
        if t + 1 < length:
            logits = model.step(ids, cache)
