"""One text, character by character, as it is written.

Shapes: T characters of a prompt, F of them forced, L characters of a text, R rows of a block,
V vocabulary.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from nextchar.decoding.blocks import block_rows
from nextchar.decoding.engine import Row, noise
from nextchar.decoding.registry import Decoder
from nextchar.decoding.search import Search
from nextchar.models.base import LanguageModel
from nextchar.samplers import Sampler, choose, draw


def stream(
    model: LanguageModel, prompt: Tensor, decoder: Decoder, *, sample: int, length: int, seed: int
) -> Iterator[tuple[int, float]]:
    """Ids [L] that follow a prompt [T], each with its bits under the untouched model.

    The text is the one that `engine.generate` writes for the first prompt and this `sample`.
    """
    row = Row(0, 0, sample)
    for index, logits in places(model, prompt, decoder, row, length=length, seed=seed):
        yield index, float(-F.log_softmax(logits.double(), -1)[index] / math.log(2))


@torch.no_grad()
def places(
    model: LanguageModel,
    prompt: Tensor,
    decoder: Decoder | None,
    row: Row,
    *,
    length: int,
    seed: int,
    forced: Tensor | None = None,
) -> Iterator[tuple[int, Tensor]]:
    """Ids [L] that follow a prompt [T], each with the logits [V] of the model in its place.

    The text is the one that `engine.generate` writes for this row, or goes on from the ids `forced`
    [F]; without a decoder these are all of it. A search knows its first character only when the
    whole text is written.
    """
    forced = prompt[:0] if forced is None else forced
    if isinstance(decoder, Search) and len(forced) < length:
        read = torch.cat([prompt, forced]).expand(row.prompt + 1, -1)
        left = length - len(forced)
        found = decoder.write(
            model, read, [row], length=left, seed=seed, on_progress=lambda _: None
        )
        forced = torch.cat([forced, found[0].to(forced.device)])
    sampler = decoder if isinstance(decoder, Sampler) else None
    # Of a block whose rows are all the same text: how many rows step together may move a bit.
    read = prompt.expand(block_rows(model, prompt[None], 1), -1)
    draws = torch.from_numpy(noise(seed, row.prompt, row.sample, length)).to(prompt.device)
    state = sampler.start(read) if sampler and sampler.has_memory else None
    logits, cache = model.prefill(read)
    for t in range(length):
        if sampler is None or t < len(forced):
            ids = forced[t].expand(len(read))
        elif sampler.exact:
            ids = draw(sampler.distribution(logits, state), draws[t].expand(len(read)))
        else:
            ids = choose(sampler, logits, draws[t].expand(len(read)))
        if sampler and state is not None:
            state = sampler.advance(state, logits, ids)
        yield int(ids[0]), logits[0]
        if t + 1 < length:
            logits = model.step(ids, cache)
