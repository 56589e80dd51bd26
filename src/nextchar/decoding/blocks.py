"""How many rows of a model step together: no more than are needed, where that changes no bit.

A matrix product may round differently for another number of rows, and a text must not depend on
how many others are written beside it. So a block has REFERENCE rows, filled up with copies that
are thrown away, unless a probe shows that on this machine a block of the wanted size has the same
bits: then nothing is filled up but to a multiple of UNIT.

Shapes: R rows, T characters, V vocabulary.
"""

from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from nextchar.models.base import LanguageModel

REFERENCE = 256
"""Rows of a block where the probe finds a difference, and on a GPU."""
LARGEST = 768
"""Rows of a block at most: more take memory and save no time."""
UNIT = 8
"""Blocks have a multiple of so many rows: products of fewer rows are rounded differently."""
PROBE = (2, 2)
"""Characters that the probe reads at once, and steps that it takes after them."""

_probed: WeakKeyDictionary[LanguageModel, dict[tuple[int, int], bool]] = WeakKeyDictionary()


def block_rows(model: LanguageModel, prompts: Tensor, rows: int) -> int:
    """The rows of a block in which `rows` texts are written after prompts [P, T].

    The probe is made once for each size, model and number of threads.
    """
    wanted = min(-(-rows // UNIT) * UNIT, LARGEST)
    if prompts.device.type != "cpu":
        return REFERENCE
    known = _probed.setdefault(model, {})
    key = (wanted, torch.get_num_threads())
    if key not in known:
        known[key] = wanted == REFERENCE or _same_bits(model, prompts, wanted)
    return wanted if known[key] else REFERENCE


def _same_bits(model: LanguageModel, prompts: Tensor, rows: int) -> bool:
    """Whether the model's logits for `rows` rows are those of the same rows among REFERENCE.

    What is read are the prompts, over and over: any characters will do.
    """
    common = min(rows, REFERENCE)
    times = -(-sum(PROBE) // prompts.size(1))
    which = torch.arange(max(rows, REFERENCE)) % len(prompts)
    ids = prompts[which].repeat(1, times)[:, : sum(PROBE)]
    own, reference = (_logits(model, ids[:count]) for count in (rows, REFERENCE))
    return torch.equal(own[:, :common], reference[:, :common])


@torch.no_grad()
def _logits(model: LanguageModel, ids: Tensor) -> Tensor:
    """The logits [steps + 1, R, V] of ids [R, T]: after the first PROBE[0], and after each more."""
    read = PROBE[0]
    logits, cache = model.prefill(ids[:, :read])
    columns = [logits]
    columns.extend(model.step(ids[:, t], cache) for t in range(read, ids.size(1)))
    return torch.stack(columns)
