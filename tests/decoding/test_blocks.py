"""Blocks: a text has the same bits whatever it is written beside, and nothing is filled in vain."""

from __future__ import annotations

import pytest
import torch
from shapes import model_config, random_model
from torch import Tensor

from nextchar.decoding import blocks
from nextchar.decoding.blocks import LARGEST, REFERENCE, UNIT, block_rows
from nextchar.decoding.engine import Row, Texts, generate
from nextchar.models.base import LanguageModel
from nextchar.samplers import build

V = 11
PROMPTS = torch.randint(V, (96, 20), generator=torch.Generator().manual_seed(5))
SAMPLERS = list(map(build, [{"temperature": 1.0}, {"top_k": 3}]))
ROWS = [Row(i % 2, i // 2 % 96, i // 192) for i in range(768)]
LENGTH = 12


def write(model: LanguageModel, rows: list[Row], block_size: int | None = None) -> Texts:
    return generate(
        model,
        PROMPTS,
        SAMPLERS,
        rows,
        length=LENGTH,
        seed=0,
        on_progress=lambda _: None,
        block_size=block_size,
    )


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    """As wide as the default: kernels that differ by size are chosen by size."""
    return random_model(
        model_config(layers=2, width=128, heads=2, key_value_heads=1, context=32, feedforward=4)
    )


@pytest.fixture(scope="module")
def reference(model: LanguageModel) -> Texts:
    return write(model, ROWS, REFERENCE)


@pytest.mark.parametrize("count", [1, 7, 64, 256, 768])
def test_a_text_does_not_depend_on_how_many_are_written(
    model: LanguageModel, reference: Texts, count: int
) -> None:
    """To the bit, whichever size the probe chose."""
    own = write(model, ROWS[:count])
    for name in ("ids", "bits", "entropy", "support_size"):
        assert torch.equal(getattr(own, name), getattr(reference, name)[:count]), name


@pytest.mark.parametrize("count", [1, 7, 64, 256, 768])
def test_where_the_probe_fails_blocks_are_filled(
    model: LanguageModel, reference: Texts, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_same_bits", lambda *_: False)
    monkeypatch.setattr(blocks, "_probed", type(blocks._probed)())
    assert block_rows(model, PROMPTS, count) == REFERENCE
    own = write(model, ROWS[:count])
    assert torch.equal(own.bits, reference.bits[:count])


def test_a_block_is_a_multiple_of_the_unit_and_bounded(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_same_bits", lambda *_: True)
    monkeypatch.setattr(blocks, "_probed", type(blocks._probed)())
    found = {count: block_rows(model, PROMPTS, count) for count in (1, 8, 9, 512, 10_000)}
    assert found == {1: UNIT, 8: UNIT, 9: 2 * UNIT, 512: 512, 10_000: LARGEST}


def test_the_probe_sees_a_model_that_rounds_by_the_number_of_rows(model: LanguageModel) -> None:
    """One last bit in one logit of one step is enough."""

    class Wavering(type(model)):  # type: ignore[misc]
        def step(self, ids: Tensor, cache: object) -> Tensor:
            logits = super().step(ids, cache)
            if len(ids) < REFERENCE:
                logits[0, 3] = torch.nextafter(logits[0, 3], torch.tensor(torch.inf))
            return logits

    model = random_model(model_config())
    steady = blocks._same_bits(model, PROMPTS, 64)
    model.__class__ = Wavering
    assert steady
    assert not blocks._same_bits(model, PROMPTS, 64)


def test_a_probe_is_made_once_a_size(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(blocks, "_same_bits", lambda *given: bool(asked.append(given[2])) or True)
    monkeypatch.setattr(blocks, "_probed", type(blocks._probed)())
    for count in (10, 16, 200, 12):
        block_rows(model, PROMPTS, count)
    assert asked == [16, 200]


@pytest.mark.parametrize(("alike", "read"), [(True, 96), (False, 192)])
def test_a_prompt_that_rows_share_is_read_once(
    alike: bool, read: int, model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where fewer rows are read with the same bits; filled up to the reference they'd save none."""
    rows, reading = ROWS[:192], []
    expected = write(model, rows)
    prefill = type(model).prefill
    monkeypatch.setattr(blocks, "_same_bits", lambda _model, _prompts, rows: alike or rows == 192)
    monkeypatch.setattr(blocks, "_probed", type(blocks._probed)())
    monkeypatch.setattr(
        type(model), "prefill", lambda own, ids: bool(reading.append(len(ids))) or prefill(own, ids)
    )
    found = write(model, rows)
    assert reading == [read]
    assert torch.equal(found.bits, expected.bits)
