"""The models: causality, the window, the cache, gradients. Logits of float32 agree to 1e-5."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from shapes import V, model_config, random_model
from torch import Tensor

from nextchar.config import MODEL_KINDS, ConfigError, ModelConfig
from nextchar.models.base import MODELS, LanguageModel
from nextchar.models.cache import KeyValueCache, StaticCache
from nextchar.models.labml_nn import LabmlTransformer
from nextchar.models.registry import model_class
from nextchar.models.transformer import Transformer, attend, rotary_angles, rotate, window_mask

LABML = {"kind": "labml_nn"}
GPT = {"kind": "gpt2"}


def random_ids(*shape: int) -> Tensor:
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(1))


every_kind = pytest.mark.parametrize("changes", [{}, LABML, GPT], ids=["ours", "labml_nn", "gpt2"])


@every_kind
def test_the_future_has_no_influence(changes: dict[str, Any]) -> None:
    model = random_model(model_config(**changes))
    ids = random_ids(3, 8)
    changed = ids.clone()
    changed[:, 5] = (ids[:, 5] + 1) % V
    before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :5], after[:, :5], atol=1e-6, rtol=0)
    assert (before[:, 5:] - after[:, 5:]).abs().amax(-1).min() > 1e-4, "the present and past have"


@pytest.mark.parametrize("layers", [1, 2])
def test_a_layer_sees_exactly_the_window(layers: int) -> None:
    """Through n layers position t depends on the n (W - 1) positions before it, and through the
    embedding on as many more as that looks back; on no others."""
    model = random_model(model_config(layers=layers, context=4))
    ids = random_ids(1, 16)
    reach = layers * 3 + 2
    for place in range(16):
        changed = ids.clone()
        changed[:, place] = (ids[:, place] + 1) % V
        moved = (model(ids) - model(changed)).abs().amax(-1)[0] > 1e-6
        assert moved.nonzero().flatten().tolist() == list(range(place, min(16, place + reach + 1)))


@every_kind
@pytest.mark.parametrize("prompt", [1, 5, 8, 13])
def test_cached_logits_equal_uncached(changes: dict[str, Any], prompt: int) -> None:
    """Also past the context, and for prompts that are longer than it."""
    model = random_model(model_config(**changes))
    ids = random_ids(3, 30)
    logits, cache = model.prefill(ids[:, :prompt])
    for t in range(prompt, 30):
        window = ids[:, :t] if isinstance(model, Transformer) else ids[:, max(0, t - 8) : t]
        torch.testing.assert_close(logits, model(window)[:, -1], atol=1e-5, rtol=0)
        logits = model.step(ids[:, t], cache)


@every_kind
def test_rows_of_a_cache_can_be_repeated_and_reordered(changes: dict[str, Any]) -> None:
    model = random_model(model_config(**changes))
    ids = random_ids(3, 6)
    _, cache = model.prefill(ids[:, :5])
    rows = torch.tensor([2, 0, 2])
    chosen = cache.reorder(rows)
    torch.testing.assert_close(
        model.step(ids[rows, 5], chosen), model(ids[rows])[:, -1], atol=1e-5, rtol=0
    )
    torch.testing.assert_close(model.step(ids[:, 5], cache), model(ids)[:, -1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("prompt", [1, 5, 8, 13])
def test_a_static_cache_gives_the_same_logits(prompt: int) -> None:
    """To the bit after a prompt that fills the window of 8; else within rounding."""
    model = random_model(model_config())
    ids = random_ids(3, 30)
    _, cache = model.prefill(ids[:, :prompt])
    assert isinstance(cache, KeyValueCache)
    for layer in cache.layers:
        layer.keys[:, :, prompt:], layer.values[:, :, prompt:] = torch.nan, torch.nan
    static = StaticCache.of(cache)
    memory = [layer.keys.data_ptr() for layer in static.layers]
    with torch.no_grad():
        for t in range(prompt, 30):
            expected, found = model.step(ids[:, t], cache), model.step(ids[:, t], static)
            if prompt >= 8:
                assert torch.equal(found, expected), t
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert [layer.keys.data_ptr() for layer in static.layers] == memory, "it stays where it is"
    assert static.length.item() == cache.length == 30


def test_rows_of_a_static_cache_can_be_chosen() -> None:
    model = random_model(model_config())
    ids, rows = random_ids(3, 6), torch.tensor([2, 0, 2])
    _, cache = model.prefill(ids[:, :5])
    assert isinstance(cache, KeyValueCache)
    chosen = StaticCache.of(cache).reorder(rows)
    with torch.no_grad():
        torch.testing.assert_close(
            model.step(ids[rows, 5], chosen), model(ids[rows])[:, -1], atol=1e-5, rtol=0
        )


def test_the_embedding_as_a_product_is_the_same_sum() -> None:
    model = random_model(model_config())
    assert isinstance(model, Transformer)
    table, ids = model.embedding, random_ids(3, 10)
    shifted = [ids[:, 2 - i : 10 - i] for i in range(3)]
    torch.testing.assert_close(table.by_product(shifted), table(ids), atol=1e-6, rtol=0)
    by_product, by_table = (
        torch.autograd.grad(x.square().sum(), list(table.parameters()))
        for x in (table.by_product(shifted), table(ids))
    )
    torch.testing.assert_close(by_product, by_table)


def test_attention_against_torch_and_a_closed_form() -> None:
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, 4, 6, 8, generator=generator, dtype=torch.float64)
    k, v = (torch.randn(2, 2, 6, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    mask = window_mask(6, 3, q.device)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=mask.double(), enable_gqa=True)
    torch.testing.assert_close(attend(q, k, v, mask), expected)
    # One query, two keys: scores 1 and 0 give e / (1 + e) of the first value.
    one = torch.tensor([1.0, 0.0]).view(1, 1, 2, 1)
    found = attend(torch.ones(1, 1, 1, 1), one, one, None)
    assert found.item() == pytest.approx(math.e / (1 + math.e), rel=1e-6)


def test_rotation_keeps_lengths_and_sees_only_distances() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 1, 8, generator=generator)
    scores = []
    for shift in (0, 5, 100_000):
        angles = rotary_angles(torch.tensor([3 + shift, 1 + shift]), 8)
        a, b = rotate(torch.stack((q, k), dim=-2), angles)[0]
        assert a.norm().item() == pytest.approx(q.norm().item(), rel=1e-6)
        scores.append((a @ b).item())
    assert scores == pytest.approx([scores[0]] * 3, abs=1e-5)


def test_angles_of_another_device_go_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device without float64 gets float32, computed beside it."""
    expected = rotary_angles(torch.arange(5), 8)
    monkeypatch.setattr(torch.Tensor, "is_mps", True)
    for found, angle in zip(rotary_angles(torch.arange(5), 8), expected, strict=True):
        assert torch.equal(found, angle)


def test_a_fresh_model_is_uniform_and_capped_logits_stay_within_the_cap() -> None:
    with torch.random.fork_rng():
        fresh = Transformer(model_config(), V)
    assert (fresh(random_ids(2, 8)) == 0).all()
    model = random_model(model_config(logit_cap=0.5))
    assert model(random_ids(2, 8)).abs().max() < 0.5
    loose = random_model(model_config(logit_cap=None))
    assert loose(random_ids(2, 8)).abs().max() > 0.5


@every_kind
def test_every_weight_gets_a_gradient(changes: dict[str, Any]) -> None:
    model = random_model(model_config(**changes))
    ids = random_ids(4, 9)
    F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if not name.endswith(("key.linear.bias",)):  # a softmax does not see a shift of all keys
            assert parameter.grad.abs().sum() > 0, name


def test_layers_of_the_baseline_start_different() -> None:
    with torch.random.fork_rng():
        model = LabmlTransformer(model_config(**LABML), V)
    first, second = (layer.feed_forward.layer1.weight for layer in model.encoder.layers)
    assert not torch.equal(first, second)


@every_kind
def test_every_parameter_is_in_one_group(changes: dict[str, Any]) -> None:
    model = random_model(model_config(**changes))
    groups = model.parameter_groups()
    grouped = [*groups.embedding, *groups.head, *groups.matrices, *groups.vectors]
    assert sorted(map(id, grouped)) == sorted(map(id, model.parameters()))
    assert all(parameter.ndim == 2 for parameter in groups.matrices)
    assert groups.embedding


def test_every_kind_has_a_model_and_says_what_happens_past_its_context() -> None:
    assert MODELS.keys() >= {"transformer", "labml_nn", "gpt2"}
    for kind, model in MODELS.items():
        assert model.config_class is MODEL_KINDS[kind]
        assert model.past_context


@pytest.mark.parametrize("kind", ["labml_nn", "gpt2"])
@pytest.mark.parametrize("key", ["key_value_heads", "logit_cap", "lookback"])
def test_a_baseline_has_no_key_that_it_does_not_use(kind: str, key: str) -> None:
    with pytest.raises(TypeError, match=key):
        model_config(kind=kind, **{key: 2})


def test_the_class_of_a_model_says_what_it_needs_to() -> None:
    class Config(ModelConfig):
        kind: str = "unfinished"

    try:
        with pytest.raises(ConfigError, match="class Unfinished: has no past_context"):

            class Unfinished(LanguageModel):
                config_class = Config

        with pytest.raises(ConfigError, match=r"unfinished: no model has config_class = Config"):
            model_class(Config(kind="unfinished"))
    finally:
        del MODEL_KINDS["unfinished"]


def test_a_kind_is_not_taken_twice() -> None:
    with pytest.raises(ConfigError, match=r"class Other: kind=gpt2: nextchar.config.models has"):

        class Other(ModelConfig):
            kind: str = "gpt2"
