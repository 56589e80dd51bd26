"""Reads a sampler's label: the only place that knows the format of labels."""

from __future__ import annotations

from nextchar.results.schema import number


def label_parts(label: str) -> list[tuple[str, str]]:
    """The (name, value) pairs of a label: two for `temperature=0.7 top_p=0.95`; `greedy` has one,
    with an empty value."""
    split = (part.partition("=") for part in label.split())
    return [(name, value) for name, _, value in split]


def label_names(label: str) -> tuple[str, ...]:
    """The names in the label, in the order in which the samplers are applied."""
    return tuple(name for name, _ in label_parts(label))


def split_last(label: str) -> tuple[str, float] | None:
    """The label without the first parameter of its last step, and that parameter; None if it is no
    number.

    `temperature=0.7 top_p=0.95` gives (`temperature=0.7 top_p`, 0.95), `dry=0.8,base=2` gives
    (`dry,base=2`, 0.8).
    """
    before, space, last = label.rpartition(" ")
    name, _, parameters = last.partition("=")
    value, comma, further = parameters.partition(",")
    try:
        return f"{before}{space}{name}{comma}{further}", float(value)
    except ValueError:
        return None


def with_first(family: str, value: float) -> str:
    """The label that `split_last` splits into these."""
    before, space, last = family.rpartition(" ")
    name, comma, further = last.partition(",")
    return f"{before}{space}{name}={number(value)}{comma}{further}"
