"""The simulation behind the table of coverages in docs/methods.md."""

from __future__ import annotations

import numpy as np
import pytest
from studies import coverage


@pytest.mark.parametrize("kind", coverage.KINDS)
def test_intervals_cover_about_what_they_say(kind: str) -> None:
    """Of 200 studies of one that covers 95% fewer than 88% by chance once in 20,000."""
    assert coverage.coverage(kind, 200) >= 0.88


def test_the_simulation_sees_an_interval_that_is_too_narrow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def half(generator: np.random.Generator) -> coverage.Interval:
        truth, low, high = coverage.generated_mean(generator)
        quarter = (high - low) / 4
        return truth, low + quarter, high - quarter

    monkeypatch.setitem(coverage.KINDS, "half", half)
    assert coverage.coverage("half", 200) < 0.8
