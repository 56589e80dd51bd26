"""Prompts cut from a text, and how the text goes on after them.

Shapes: N characters of a split, P prompts, T characters of a prompt, L characters of a text.
"""

import torch
from torch import Tensor

from nextchar.config import DecodingConfig


def needed_validation(decoding: DecodingConfig) -> int:
    """Characters that the validation split must have: room for each prompt to start elsewhere."""
    return decoding.prompt_length + decoding.length + decoding.prompts


def cut_prompts(validation: Tensor, decoding: DecodingConfig) -> tuple[Tensor, Tensor]:
    """Prompts [P, T], evenly spaced over the split [N], and how it goes on, [P, L]: human text."""
    T, L = decoding.prompt_length, decoding.length
    starts = prompt_starts(len(validation), decoding)
    pieces = validation[starts[:, None] + torch.arange(T + L)]
    return pieces[:, :T], pieces[:, T:]


def prompt_starts(length: int, decoding: DecodingConfig) -> Tensor:
    """Where the prompts [P] start in a split of `length` characters."""
    T, L, P = decoding.prompt_length, decoding.length, decoding.prompts
    return torch.arange(P) * (length - T - L) // max(P - 1, 1)


def human_pieces(length: int, decoding: DecodingConfig) -> list[tuple[int, int]]:
    """[start, end) of each human text in a split of `length` characters."""
    starts = (prompt_starts(length, decoding) + decoding.prompt_length).tolist()
    return [(start, start + decoding.length) for start in starts]
