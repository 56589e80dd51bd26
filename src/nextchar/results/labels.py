"""A sampler's label read back: the one place that knows how labels are written."""

from __future__ import annotations


def label_parts(label: str) -> list[tuple[str, str]]:
    """The label's mapping: `temperature=0.7 top_p=0.95` is two pairs, `greedy` has no value."""
    split = (part.partition("=") for part in label.split())
    return [(name, value) for name, _, value in split]


def label_names(label: str) -> tuple[str, ...]:
    """The names in the label, in the order in which they are applied."""
    return tuple(name for name, _ in label_parts(label))


def split_last(label: str) -> tuple[str, float] | None:
    """What comes before the label's last value, and that value; None where it is no number.

    `temperature=0.7 top_p=0.95` gives (`temperature=0.7 top_p`, 0.95).
    """
    before, _, value = label.rpartition("=")
    try:
        return (before, float(value)) if before else None
    except ValueError:
        return None
