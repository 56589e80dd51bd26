"""Configs: what is shipped composes, what is wrong is one line, identities follow meaning."""

from __future__ import annotations

import ast
import pickle
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, asdict, fields, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.errors import HydraException
from launching import run
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import nextchar
from nextchar import config
from nextchar.config import MODEL_KINDS, PARTS, Config, ConfigError, TransformerConfig
from nextchar.models.registry import build_model

Compose = Callable[..., Config]

CONF = Path(str(files("nextchar.conf")))
GROUPS = sorted(path.name for path in CONF.iterdir() if list(path.glob("*.yaml")))
OPTIONS = [
    (path.parent.name, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("*"))
]
SECTIONS = PARTS | {"model": TransformerConfig}
LEAVES = {f"{part}.{each.name}" for part, keys in SECTIONS.items() for each in fields(keys)} | {
    each.name for each in fields(Config) if each.name not in PARTS
}
NOT_SCIENTIFIC = {
    "name",
    "device",
    "threads",
    "force",
    "paths.data",
    "paths.outputs",
    "training.log_every",
    "training.checkpoint_every",
}
BY_CONTENT = {"plugins", *(key for key in LEAVES if key.startswith("corpus."))} - {
    "corpus.train_fraction",
    "corpus.train_share",
}
"""What names the text and the plugins, which enter the identities by their sha256."""


def written(group: str, option: str) -> dict[str, Any]:
    """A shipped YAML file as it is written, interpolations and all."""
    path = CONF / f"{option}.yaml" if group == "" else CONF / group / f"{option}.yaml"
    plain = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def changed(asked: Config, key: str, value: Any) -> Config:
    """`asked` with another value at `part.field` or `field`."""
    part, _, name = key.rpartition(".")
    if not part:
        return replace(asked, **{name: value})
    return replace(asked, **{part: replace(getattr(asked, part), **{name: value})})


def value_at(asked: Config, key: str) -> Any:
    value: Any = asked
    for name in key.split("."):
        value = getattr(value, name)
    return value


# What is shipped


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_shipped_option_composes(compose: Compose, group: str, option: str) -> None:
    needed = ["corpus.path=play.txt"] if option == "text_file" else []
    asked = compose(f"{group}={option}", *needed)
    assert isinstance(asked, Config)
    assert "${" not in config.to_yaml(asked)


def test_the_groups_are_those_of_the_design() -> None:
    assert {"corpus", "model", "training", "decoding", "experiment"} <= set(GROUPS)


@pytest.mark.parametrize(("group", "option"), [each for each in OPTIONS if each[0] in PARTS])
def test_an_option_sets_known_fields_to_what_is_not_their_default(group: str, option: str) -> None:
    keys = written(group, option)
    start = keys.pop("defaults", ["_self_"])[0]
    section = MODEL_KINDS.get(start, PARTS[group])
    defaults = {each.name: each.default for each in fields(section)}
    assert keys.keys() <= defaults.keys()
    if group != "decoding":
        assert [key for key in keys if keys[key] == defaults[key]] == []


def test_the_top_sets_the_paths() -> None:
    top = written("", "config")
    assert set(top) - {"defaults", "hydra"} == {"paths"}
    assert set(top["paths"]) == {each.name for each in fields(PARTS["paths"])}
    for part in set(PARTS) - {"paths"}:
        assert any(part in default for default in top["defaults"])


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_help_says_what_every_key_means(tmp_path: Path, kind: str) -> None:
    said = run(tmp_path, f"model={kind}", "--help").out.splitlines()
    for section in (Config, *(PARTS | {"model": MODEL_KINDS[kind]}).values()):
        for each in fields(section):
            if section is Config and each.name in PARTS:
                assert f"{each.name}:" in said
            else:
                line = rf" *{each.name}:.*  # {re.escape(each.metadata['meaning'])}( \(.*\))?"
                assert any(re.fullmatch(line, found) for found in said), each.name


def test_the_frontier_has_at_most_eleven_million_parameters(compose: Compose) -> None:
    asked = compose("experiment=frontier")
    model = build_model(asked.model, 65, seed=0)
    assert 10_000_000 < sum(weight.numel() for weight in model.parameters()) <= 11_000_000
    assert asked.training.nanogpt_eval_windows == 200 * asked.training.batch_size, (
        "nanoGPT's protocol"
    )


def test_every_option_says_what_it_is() -> None:
    for group, option in OPTIONS:
        text = (CONF / group / f"{option}.yaml").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if line.strip() and "@package" not in line]
        assert lines[0].startswith("# "), (group, option)


def test_every_key_is_read() -> None:
    """By an attribute somewhere in the source outside of config/, or by an interpolation."""
    read: set[str] = set()
    rooms = Path(nextchar.__file__).parent
    assert (rooms / "config").is_dir(), "which validates every key and uses none"
    for path in rooms.rglob("*.py"):
        if rooms / "config" not in path.parents:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            read |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    text = "".join(path.read_text(encoding="utf-8") for path in CONF.rglob("*.yaml"))
    interpolated = set(re.findall(r"\$\{([a-z_.]+)\}", text))
    unread = {key for key in LEAVES if key.rpartition(".")[2] not in read} - interpolated
    assert unread == set()


# What is wrong


@pytest.mark.parametrize(
    "override",
    [
        "training.stps=5",
        "trainig=default",
        "nonsense=1",
        "decoding.sampler=[greedy]",
        "experiment=nonsense",
        "model=nonsense",
        "+nonsense=1",
        "+training.nonsense=1",
        "+decoding.samplers.x=1",
        "~nonsense",
        "hydra.nonsense=1",
    ],
)
def test_an_unknown_key_is_one_line(compose: Compose, override: str) -> None:
    one_line(lambda: compose(override), override.strip("+~").split("=")[0].split(".")[-1])


@pytest.mark.parametrize(
    ("override", "meant"),
    [
        ("training.stps=5", "training.steps"),
        ("+training.stps=5", "training.steps"),
        ("sed=5", "seed"),
        ("steps=5", "training.steps"),
        ("stps=5", "training.steps"),
        ("trainings.steps=5", "training.steps"),
        ("trainig=default", "training"),
        ("model.laers=1", "model.layers"),
        ("training.random_windows=1", "training.nanogpt_eval_windows"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(
    compose: Compose, override: str, meant: str
) -> None:
    said = one_line(lambda: compose(override), override.strip("+").split("=")[0])
    assert said.endswith(f": there is no such key; did you mean {meant}?")


def test_a_key_of_another_kind_of_model_says_whose_it_is(compose: Compose) -> None:
    said = one_line(lambda: compose("model=gpt2", "model.lookback=2"), "model.lookback: ")
    assert said.endswith("this model has no such key; those that do: model=transformer")
    said = one_line(lambda: compose("model.kind=gpt2"), "model.kind=gpt2: ")
    assert "model=transformer, labml_nn, gpt2" in said


def test_an_unknown_option_is_answered_with_those_there_are(compose: Compose) -> None:
    said = one_line(lambda: compose("experiment=nonsense"), "experiment/nonsense")
    assert "labml_baseline, " in said


def wrong_types() -> Iterator[tuple[str, str]]:
    for key in sorted(LEAVES):
        part, _, name = key.rpartition(".")
        hint = typing.get_type_hints(SECTIONS[part] if part else Config)[name]
        optional = isinstance(hint, types.UnionType)
        wanted = typing.get_args(hint)[0] if optional else hint
        yield key, "{a: 1}"
        if wanted in (int, float, bool):
            yield key, "word"
        if wanted is int:
            yield key, "1.5"
        if wanted in (int, float):
            yield key, "true"
        if not optional:
            yield key, "null"


@pytest.fixture(scope="module")
def composed() -> DictConfig:
    """The schema, filled: what Hydra merges overrides into."""
    config.register()
    with hydra.initialize_config_module("nextchar.conf", version_base="1.3"):
        return hydra.compose("config", overrides=["experiment=smoke"])


@pytest.mark.parametrize(("key", "value"), list(wrong_types()))
def test_a_wrong_type_is_an_error(composed: DictConfig, key: str, value: str) -> None:
    with pytest.raises((OmegaConfBaseException, ConfigError)):
        config.resolve(
            OmegaConf.merge(composed, OmegaConf.from_dotlist([f"{key}={value}"]))  # type: ignore[arg-type]
        )


@pytest.mark.parametrize(("key", "value"), dict(wrong_types()).items())
def test_a_wrong_type_is_one_line(compose: Compose, key: str, value: str) -> None:
    one_line(lambda: compose(f"{key}={value}"), f"{key}={value}: ")


COUNTS = [
    *(f"model.{name}" for name in ("layers", "width", "heads", "key_value_heads", "context")),
    "model.feedforward",
    "model.lookback",
    *(f"training.{name}" for name in ("steps", "batch_size", "evaluate_every")),
    *(f"training.{name}" for name in ("log_every", "checkpoint_every")),
    *(f"decoding.{name}" for name in ("prompts", "prompt_length", "samples_per_prompt", "length")),
    *(f"metrics.{name}" for name in ("resamples", "positions", "blocks", "judge_order")),
    *(f"metrics.{name}" for name in ("frontier_window", "frontier_clusters")),
    "corpus.characters",
    "threads",
]
NAN, INF = float("nan"), float("inf")
RATES = [
    "training.learning_rate",
    "training.embedding_learning_rate",
    "training.head_learning_rate",
    "training.gradient_clip",
    "model.logit_cap",
]
SHARES = [
    "model.dropout",
    *(f"training.{name}" for name in ("momentum", "decay_from", "averaging", "token_noise")),
]
OUT_OF_BOUNDS: list[tuple[str, Any]] = [
    *((key, value) for key in COUNTS for value in (0, -1)),
    *((key, value) for key in RATES for value in (0.0, -1.0, NAN, INF)),
    *((key, 1e300) for key in RATES if key.endswith("learning_rate")),
    *((f"training.{name}weight_decay", 1e300) for name in ("", "embedding_")),
    *((key, value) for key in SHARES for value in (-0.1, 1.0, NAN)),
    *(("corpus.train_fraction", value) for value in (0.0, 1.0, NAN)),
    *(("corpus.train_share", value) for value in (0.0, 1.1, NAN)),
    *(("training.weight_decay", value) for value in (-0.1, NAN, INF)),
    *(("training.embedding_weight_decay", value) for value in (-0.1, NAN, INF)),
    *(("training.floor", value) for value in (-0.1, 1.1, NAN)),
    *(("training.betas", value) for value in ((1.0, 0.5), (0.5, -0.1), (NAN, 0.5))),
    *(("metrics.epsilon", value) for value in (0.0, 1.0, NAN)),
    ("metrics.level", "some"),
    ("training.warmup_steps", -1),
    ("training.nanogpt_eval_windows", -1),
    ("training.optimizer", "sgd"),
    ("training.schedule", "square"),
    ("training.precision", "float16"),
    ("model.kind", "recurrent"),
    ("model.width", 30),  # of 4 heads: no multiple
    ("model.width", 36),  # an odd width each
    ("model.key_value_heads", 3),
    ("decoding.checkpoint", "first"),
    ("decoding.samplers", []),
    ("corpus.kind", "web"),
    *(("corpus.encoding", value) for value in ("", "nonsense", "hex")),
    ("corpus.newlines", "crlf"),
    ("corpus.path", None),
    ("corpus.path", ""),
    ("corpus.fallback", "lorem"),
    ("corpus.seed", -1),
    ("seed", -1),
    ("seed", 2**32),
    *(("seeds", value) for value in ([], [0], [0, 0], [-1, 2], [0, 2**32])),
    ("device", "tpu"),
    *(("name", value) for value in ("", "a/b", "..", ".hidden", "a:b", "a*", "a\\b", "a\0b")),
    *(
        ("name", value)
        for value in (" a", "a ", "a.", "a\tb", "a\n", "a\u202eb", "\ud800", "x" * 201)
    ),
    *(("name", value) for value in ("con", "NUL", "aux.txt", "com1", "\u2028")),
    *((key, 10**12) for key in [*COUNTS, "training.warmup_steps", "training.nanogpt_eval_windows"]),
    *(("metrics.resamples", value) for value in (1, 19)),
    *(
        (f"paths.{name}", value)
        for name in ("data", "outputs")
        for value in ("", " ", "s3://x", "a\0b")
    ),
    *((key, "~no such user/x") for key in ("corpus.path", "paths.data", "paths.outputs")),
]


@pytest.fixture(scope="module")
def valid(compose: Compose) -> Config:
    return compose("experiment=smoke", "corpus=text_file", "corpus.path=play.txt", "model.heads=4")


@pytest.mark.parametrize(("key", "value"), OUT_OF_BOUNDS)
def test_out_of_bounds_is_one_line(valid: Config, key: str, value: Any) -> None:
    said = one_line(lambda: changed(valid, key, value), f"{key}={value}: ")
    assert len(said) > len(f"{key}={value}: ")


@pytest.mark.parametrize("value", [(), (0.9,), (0.9, 0.9, 0.9)])
def test_betas_are_two(valid: Config, value: tuple[float, ...]) -> None:
    one_line(lambda: changed(valid, "training.betas", value), "training.betas=")


def test_every_bounded_field_is_tried() -> None:
    """Free are only what any text may be, and what has but two values."""
    free = {"corpus.name", "corpus.url", "corpus.sha256"}
    free |= {"force", "training.compile"}
    free |= {"metrics.frontier", "plugins"}
    assert {key for key, _ in OUT_OF_BOUNDS} == LEAVES - free


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, 1) for key in COUNTS if not key.startswith("model.") and "resamples" not in key),
        ("metrics.resamples", 20),
        *((key, 0.0) for key in SHARES),
        ("seed", 0),
        ("seed", 2**32 - 1),
        ("seeds", [0, 2**32 - 1]),
        ("seeds", None),
        ("training.warmup_steps", 0),
        ("training.weight_decay", 0.0),
        ("training.floor", 1.0),
        ("training.gradient_clip", None),
        ("model.logit_cap", None),
        ("model.key_value_heads", 1),
        ("name", "a name.v2"),
    ],
)
def test_the_bounds_themselves_are_allowed(valid: Config, key: str, value: Any) -> None:
    assert value_at(changed(valid, key, value), key) == value


def test_a_bound_says_which_values_are_allowed(valid: Config) -> None:
    for key, value, says in (
        ("training.steps", 0, "must be at least 1 and at most 1,000,000,000"),
        ("training.floor", 2.0, "must be at least 0 and at most 1"),
        ("model.dropout", 1.0, "must be at least 0 and below 1"),
        ("training.betas", (0.5, 1.0), "must be at least 0 and below 1"),
        ("training.schedule", "square", "must be one of linear, cosine, noam"),
    ):
        said = one_line(partial(changed, valid, key, value), "")
        assert said == f"{key}={value}: {says}"


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("=5", "=5: no key before it; write key=value"),
        ("@x=1", "@x=1: no key before it"),
        ("decoding.samplers=[{temperature: 0.7, temperature: 0.9}]", "temperature stands twice"),
        ("decoding.samplers=[{xtc: {threshold: 0.1, threshold: 0.2}}]", "threshold stands twice"),
        ("decoding.samplers=[greedy,{top_k:", "a bracket is missing; quote the whole"),
        ("5}]", "a bracket is missing; quote the whole"),
        ('decoding.samplers=[{"top_k": 5}]', "without quotes: 'decoding.samplers=["),
        ("decoding.samplers=[greedy,{'top_k': 5}]", "without quotes: 'decoding.samplers=["),
        ("name=a#b'c", "write it in quotes: 'name=\"a#b'c\"'"),
        ("name=a\u202eb", r"name=a\u202eb: has a character that needs quotes"),
    ],
)
def test_what_is_wrong_with_an_override_is_said(override: str, says: str) -> None:
    assert says in one_line(lambda: config.compose(override), "")


def test_a_key_may_stand_in_several_mappings() -> None:
    asked = config.compose("decoding.samplers=[{temperature: 0.7},{temperature: 0.9, top_k: 2}]")
    assert asked.decoding.samplers == [{"temperature": 0.7}, {"temperature": 0.9, "top_k": 2}]


# A stored config again


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("experiment=smoke", "name='a $name, (it)'"),
        ("model=gpt2", "decoding=all", "seeds=[1,0]", "training.betas=[0.1,0.2]"),
        ("corpus=text_file", "corpus.path='it\\'s ${ here.txt'".replace("${", "$"), "device=cpu"),
    ],
)
def test_a_stored_config_is_the_same_again(
    compose: Compose, tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    asked = compose(*overrides)
    (tmp_path / "config.yaml").write_text(config.to_yaml(asked), encoding="utf-8")
    again = config.overrides_of(config.read_yaml(tmp_path / "config.yaml"))
    assert compose(*again) == asked
    if not overrides:
        assert again == ["model=transformer"]


def test_what_is_given_beside_a_stored_config_counts(compose: Compose) -> None:
    stored = asdict(compose("experiment=smoke"))
    given = ["corpus=tiny_shakespeare", "training.steps=7"]
    again = compose(*config.overrides_of(stored, given), *given)
    assert again.corpus == compose().corpus
    assert again.training == replace(compose("experiment=smoke").training, steps=7)
    one_line(lambda: config.overrides_of(stored, ["experiment=sprint"]), "experiment: --from")
    one_line(lambda: config.overrides_of({"no": "run"}), "config.yaml is not that of a run")


def test_a_primary_config_of_ones_own_gets_the_schema(compose: Compose) -> None:
    asked = compose("experiment=smoke", "model=gpt2")
    alone = OmegaConf.create(config.to_yaml(asked))
    assert isinstance(alone, DictConfig)
    assert config.resolve(alone) == asked
    del alone.training  # then all of its keys are the defaults
    assert config.resolve(alone).training.steps == 1150
    for key, value, names in (
        ("training.steps", 0, "training.steps=0: "),
        ("training.stps", 1, "training.stps: there is no such key; did you mean training.steps?"),
        ("sed", 1, "sed: there is no such key; did you mean seed?"),
        ("model.steps", 1, "model.steps"),
    ):
        wrong = OmegaConf.merge(alone, OmegaConf.from_dotlist([f"{key}={value}"]))
        one_line(partial(config.resolve, wrong), names)  # type: ignore[arg-type]


def test_a_missing_value_is_one_line(compose: Compose) -> None:
    one_line(lambda: compose("corpus=text_file"), "corpus.path")


def one_line(program: Callable[[], object], names: str) -> str:
    """What the user reads when `program` fails: a single line that names the key."""
    with pytest.raises((HydraException, ConfigError, ValueError)) as raised:
        program()
    said = config.one_line(raised.value)
    assert "".join(c if c.isprintable() else ascii(c)[1:-1] for c in names) in said
    assert said.isprintable()
    assert not isinstance(raised.value, FrozenInstanceError)
    return said


# Identities

SHA = "0" * 64
OTHER: dict[str, Any] = {
    "seed": 1,
    "corpus.train_fraction": 0.8,
    "corpus.train_share": 0.5,
    "model.layers": 3,
    "model.width": 64,
    "model.heads": 8,
    "model.key_value_heads": 2,
    "model.context": 33,
    "model.feedforward": 3,
    "model.lookback": 2,
    "model.dropout": 0.1,
    "model.logit_cap": None,
    "training.steps": 61,
    "training.batch_size": 9,
    "training.optimizer": "adamw",
    "training.learning_rate": 0.01,
    "training.embedding_learning_rate": 0.01,
    "training.head_learning_rate": 0.011,
    "training.momentum": 0.8,
    "training.betas": (0.8, 0.9),
    "training.weight_decay": 0.11,
    "training.embedding_weight_decay": 0.11,
    "training.schedule": "cosine",
    "training.warmup_steps": 6,
    "training.decay_from": 0.5,
    "training.floor": 0.1,
    "training.gradient_clip": 1.0,
    "training.averaging": 0.9,
    "training.token_noise": 0.1,
    "training.nanogpt_eval_windows": 10,
    "training.precision": "float32",
    "training.compile": True,
    "training.evaluate_every": 21,
    "decoding.samplers": ["greedy"],
    "decoding.prompts": 9,
    "decoding.prompt_length": 17,
    "decoding.samples_per_prompt": 2,
    "decoding.length": 65,
    "decoding.checkpoint": "best",
    "metrics.level": "full",
    "metrics.resamples": 201,
    "metrics.positions": 100,
    "metrics.blocks": 10,
    "metrics.epsilon": 0.001,
    "metrics.judge_order": 6,
    "metrics.frontier": True,
    "metrics.frontier_window": 16,
    "metrics.frontier_clusters": 16,
}
INDIFFERENT: dict[str, Any] = {
    "name": "other",
    "device": "cpu",
    "threads": 7,
    "force": True,
    "paths.data": "elsewhere",
    "paths.outputs": "elsewhere",
    "training.log_every": 7,
    "training.checkpoint_every": 7,
}


def ids(asked: Config, corpus: str = SHA) -> tuple[str, str]:
    trained = config.model_id(asked, corpus)
    return trained, config.run_id(asked, trained, fallback=False)


def test_a_text_and_a_replacement_are_part_of_the_identity(valid: Config) -> None:
    trained = config.model_id(valid, SHA)
    assert trained != config.model_id(valid, "another")
    assert config.run_id(valid, trained, fallback=True) != config.run_id(
        valid, trained, fallback=False
    )


def test_the_fields_of_these_tests_are_all() -> None:
    assert set(INDIFFERENT) == NOT_SCIENTIFIC
    others = {"seeds", "model.kind"}  # of pooled_id alone; of a test of its own
    assert set(OTHER) == LEAVES - NOT_SCIENTIFIC - BY_CONTENT - others


def test_equal_configs_have_the_same_ids(compose: Compose) -> None:
    overrides = ("experiment=smoke", "model.heads=4")
    first, second = (ids(compose(*overrides)) for _ in range(2))
    assert first == second
    assert all(re.fullmatch("[0-9a-f]{12}", each) for each in first)


def test_an_integer_where_a_float_is_meant_is_the_same(compose: Compose) -> None:
    one, other = (compose(f"model.logit_cap={value}") for value in ("15", "15.0"))
    assert ids(one) == ids(other)


@pytest.mark.parametrize("key", sorted(OTHER))
def test_each_scientific_field_changes_the_ids(valid: Config, key: str) -> None:
    trained, run = ids(valid)
    other_trained, other_run = ids(changed(valid, key, OTHER[key]))
    assert run != other_run
    assert (trained != other_trained) == (not key.startswith(("decoding.", "metrics.")))


def test_two_kinds_of_model_with_the_same_values_have_different_ids(compose: Compose) -> None:
    one, other = (compose(f"model={kind}", "model.dropout=0.1") for kind in ("labml_nn", "gpt2"))
    assert ids(one)[0] != ids(other)[0]


def test_no_two_changes_have_the_same_id(valid: Config) -> None:
    assert len({ids(changed(valid, key, OTHER[key]))[1] for key in OTHER}) == len(OTHER)


@pytest.mark.parametrize("key", sorted(INDIFFERENT))
def test_how_a_run_is_done_does_not_change_the_ids(valid: Config, key: str) -> None:
    assert value_at(valid, key) != INDIFFERENT[key]
    assert ids(changed(valid, key, INDIFFERENT[key])) == ids(valid)


def test_a_text_is_known_by_its_content(valid: Config) -> None:
    assert ids(changed(valid, "corpus.path", "elsewhere.txt")) == ids(valid)
    assert ids(valid, "1" * 64)[0] != ids(valid)[0]


def test_the_order_inside_a_sampler_matters(compose: Compose) -> None:
    asked = [
        compose(f"decoding.samplers=[{{{spec}}}]")
        for spec in ("temperature: 0.7, top_p: 0.95", "top_p: 0.95, temperature: 0.7")
    ]
    (trained, run), (other_trained, other_run) = map(ids, asked)
    assert trained == other_trained
    assert run != other_run


def test_a_whole_number_is_the_same_sampler(compose: Compose) -> None:
    asked = [compose(f"decoding.samplers=[{{temperature: {value}}}]") for value in ("1", "1.0")]
    assert ids(asked[0]) == ids(asked[1])


def test_a_config_comes_back_from_another_process(valid: Config) -> None:
    assert pickle.loads(pickle.dumps(valid)) == valid


def test_nothing_can_be_assigned(valid: Config) -> None:
    for key in sorted(LEAVES):
        part, _, name = key.rpartition(".")
        with pytest.raises(FrozenInstanceError):
            setattr(getattr(valid, part) if part else valid, name, value_at(valid, key))


def test_config_yaml_gives_the_same_ids(valid: Config, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml(valid), encoding="utf-8")
    read = config.read_yaml(path)
    assert ids(Config.restore(read)) == ids(valid)


def test_a_run_on_disk_gives_its_own_ids(tiny_run: Path) -> None:
    from nextchar import results

    read = config.read_yaml(tiny_run / results.CONFIG)
    facts = results.read_json(tiny_run / results.MANIFEST)
    trained, run = ids(Config.restore(read), facts["corpus"]["sha256"])
    assert (facts["model_id"], facts["run_id"]) == (trained, run)
    assert tiny_run.name == f"{facts['name']}-{run}"


def test_the_command_line_takes_a_stored_config(tmp_path: Path) -> None:
    asked = config.compose("experiment=smoke", "model.width=64")
    (tmp_path / "stored").mkdir()
    (tmp_path / "stored" / "config.yaml").write_text(config.to_yaml(asked), encoding="utf-8")
    shown = run(tmp_path, "--from", "stored", "training.steps=9", "--cfg", "job").out
    plain = OmegaConf.create(shown)
    assert (plain.model.width, plain.training.steps, plain.name) == (64, 9, "smoke")
    for wrong, says in (
        (("--from", "nowhere"), "nowhere: no run, sweep or model is called so"),
        (("--config-dir=stored", "--config-name=config"), "of a run is read by --from stored"),
    ):
        ended = run(tmp_path, *wrong)
        assert (ended.code, len(ended.lines)) == (2, 1)
        assert says in ended.err
