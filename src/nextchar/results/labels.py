"""Reads a sampler's label: the only place that knows the format of labels."""

from __future__ import annotations


def label_parts(label: str) -> list[tuple[str, str]]:
    """The (name, value) pairs of a label: two for `temperature=0.7 top_p=0.95`; `greedy` has one,
    with an empty value."""
    split = (part.partition("=") for part in label.split())
    return [(name, value) for name, _, value in split]


def label_names(label: str) -> tuple[str, ...]:
    """The names in the label, in the order in which the samplers are applied."""
    return tuple(name for name, _ in label_parts(label))


def split_last(label: str) -> tuple[str, float] | None:
    """The label without its last value, and that value; None if it is no number.

    `temperature=0.7 top_p=0.95` gives (`temperature=0.7 top_p`, 0.95).
    """
    before, _, value = label.rpartition("=")
    try:
        return (before, float(value)) if before else None
    except ValueError:
        return None
