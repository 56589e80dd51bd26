"""The engine: what a row writes depends on its key and its distribution, and on nothing else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from shapes import V, model_config, random_model

from nextchar.decoding import engine
from nextchar.decoding.engine import Row, Texts, generate, noise, score_bits
from nextchar.models.cache import StaticCache
from nextchar.samplers import Sampler, build, draw

SAMPLERS = list(map(build, ["greedy", {"temperature": 0.7}, {"top_k": 3}, {"top_p": 0.8}]))
PROMPTS = torch.randint(V, (5, 6), generator=torch.Generator().manual_seed(2))
ALL = [Row(s, p, n) for s in range(4) for p in range(5) for n in range(3)]
LENGTH = 20


def write(
    rows: list[Row], seed: int = 0, samplers: list[Sampler] = SAMPLERS, kind: str = "transformer"
) -> Texts:
    model = random_model(model_config(kind=kind))
    return generate(
        model, PROMPTS, samplers, rows, length=LENGTH, seed=seed, on_progress=lambda _: None
    )


@pytest.fixture(scope="module")
def together() -> Texts:
    return write(ALL)


@pytest.mark.parametrize("rows", [ALL[:1], ALL[7:14], ALL[::-1], ALL[::2] * 6, ALL * 5])
def test_a_text_does_not_depend_on_its_company(together: Texts, rows: list[Row]) -> None:
    """Bitwise, for 1, 7, 60, 180 and 300 rows, in any order: ids and everything measured."""
    found = write(rows)
    at = [ALL.index(row) for row in rows]
    assert torch.equal(found.ids, together.ids[at])
    assert torch.equal(found.bits, together.bits[at])
    assert torch.equal(found.entropy, together.entropy[at])
    assert torch.equal(found.support_size, together.support_size[at])


def test_it_is_what_an_uncached_loop_writes_one_text_at_a_time(together: Texts) -> None:
    model = random_model(model_config())
    for row, ids, bits in zip(ALL, together.ids, together.bits, strict=True):
        text = PROMPTS[row.prompt]
        for t, u in enumerate(noise(0, row.prompt, row.sample, LENGTH)):
            logits = model(text[None])[0, -1].double()
            probabilities = SAMPLERS[row.sampler].distribution(logits)
            chosen = draw(probabilities, torch.tensor(u))
            assert chosen == ids[t]
            expected = -F.log_softmax(logits, -1)[chosen].item() / math.log(2)
            assert bits[t].item() == pytest.approx(expected, abs=1e-4)
            text = torch.cat((text, chosen[None]))


def test_samplers_share_their_noise_and_samples_do_not(together: Texts) -> None:
    rows = [Row(s, 0, 0) for s in range(2)]
    same = list(map(build, [{"temperature": 1}, {"top_k": V}]))
    texts = write(rows, samplers=same)
    assert torch.equal(texts.ids[0], texts.ids[1]), "two names of one distribution"
    assert not torch.equal(
        together.ids[ALL.index(Row(1, 0, 0))], together.ids[ALL.index(Row(1, 0, 1))]
    )
    assert not torch.equal(write(rows, seed=1, samplers=same).ids, texts.ids)


def test_greedy_needs_no_noise(together: Texts) -> None:
    for prompt in range(5):
        first, *others = (together.ids[ALL.index(Row(0, prompt, n))] for n in range(3))
        assert all(torch.equal(first, other) for other in others)


def test_what_is_measured_of_each_choice(together: Texts) -> None:
    of = torch.tensor([row.sampler for row in ALL])
    assert (together.entropy[of == 0] == 0).all()
    assert (together.support_size[of == 0] == 1).all()
    assert (together.support_size[of == 1] == V).all()
    assert (together.support_size[of == 2] == 3).all()
    assert (together.entropy[of == 2] <= math.log2(3)).all()
    assert (together.bits > 0).all()
    assert set(together.seconds) == {0, 1, 2, 3}


def test_bits_of_given_text_are_those_of_writing_it(together: Texts) -> None:
    prompts = PROMPTS[[row.prompt for row in ALL]]
    found = score_bits(random_model(model_config()), prompts, together.ids)
    torch.testing.assert_close(found, together.bits, atol=1e-5, rtol=0)


def test_the_baseline_writes_too() -> None:
    """Past its context of 8, by reading its window anew."""
    texts = write(ALL[:4], kind="labml_nn")
    assert texts.ids.shape == (4, LENGTH)
    assert torch.equal(texts.ids[:1], write(ALL[:1], kind="labml_nn").ids)


def test_a_block_may_have_any_size(together: Texts) -> None:
    """The same texts but where rounding decides, which is nowhere here."""
    texts = generate(
        random_model(model_config()),
        PROMPTS,
        SAMPLERS,
        ALL,
        length=LENGTH,
        seed=0,
        on_progress=lambda _: None,
        block_size=7,
    )
    assert torch.equal(texts.ids, together.ids)


@pytest.mark.parametrize("length", [1, 6, 12])
def test_the_static_step_writes_the_same_texts(length: int, monkeypatch: Any) -> None:
    """What a GPU captures, run as it is: to the bit, since the prompts fill the window of 8."""
    monkeypatch.setattr(engine, "_stepping", static_stepping)
    prompts = torch.randint(V, (5, 9), generator=torch.Generator().manual_seed(3))

    def written() -> Texts:
        return generate(
            random_model(model_config()),
            prompts,
            SAMPLERS,
            ALL,
            length=length,
            seed=0,
            on_progress=lambda _: None,
        )

    static = written()
    monkeypatch.undo()
    plain = written()
    for name in ("ids", "bits", "entropy", "support_size"):
        assert torch.equal(getattr(static, name), getattr(plain, name)), name


def static_stepping(model, cache, choices, ids, noises):  # type: ignore[no-untyped-def]
    assert choices.static
    static = StaticCache.of(cache)
    return lambda ids, noises: choices(model.step(ids, static), noises)


def test_only_what_does_not_remember_is_static() -> None:
    rows, read, seconds = [Row(0, 0, 0)], PROMPTS[:1], {0: 0.0}
    for spec, static in (({"top_p": 0.9}, True), ({"repetition_penalty": 1.2}, False)):
        choices = engine.Choices([build(spec)], rows, read, seconds)
        assert choices.static is static


def test_a_model_that_diverged_is_an_error() -> None:
    model = random_model(model_config())
    torch.nn.init.constant_(model.head.weight, torch.nan)  # type: ignore[arg-type, union-attr]
    with pytest.raises(ValueError, match="diverged"):
        generate(model, PROMPTS, SAMPLERS, ALL[:1], length=2, seed=0, on_progress=lambda _: None)


def test_noise_is_uniform_keyed_and_of_any_length() -> None:
    numbers = np.concatenate([noise(0, p, s, 100) for p in range(20) for s in range(20)])
    assert numbers.dtype == np.float64
    assert len(np.unique(numbers)) == 40_000, "no two keys share a number"
    assert 0 <= numbers.min() < numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 5 * (1 / 12 / 40_000) ** 0.5  # 1 in a million by chance
    for step in range(20):
        of_training = np.random.default_rng((0, step)).random(100)
        assert not np.isin(noise(0, step, 0, 100), of_training).any(), "nor with a training step"
    assert np.array_equal(noise(3, 1, 2, 10), noise(3, 1, 2, 50)[:10]), "a longer text goes on"


def test_progress_counts_the_characters_of_real_rows() -> None:
    heard: list[int] = []
    rows = ALL * 5
    generate(
        random_model(model_config()),
        PROMPTS,
        SAMPLERS,
        rows,
        length=3,
        seed=0,
        on_progress=heard.append,
        block_size=64,
    )
    assert len(rows) > 64
    assert heard == sorted(heard)
    assert heard[-1] == len(rows) * 3
