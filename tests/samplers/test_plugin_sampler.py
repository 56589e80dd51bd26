"""A user's sampler from a plugin: exact, named, in chains, sweeps, tables, plots and the report."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from launching import TINY, Forked, real, run

from nextchar.config import Config, ConfigError, load_plugins, plugins
from nextchar.decoding.registry import build_decoder, build_decoders
from nextchar.experiment.run import run_experiment
from nextchar.samplers import Decoder, Sampler, build, decoder, registered

MINE = """
import torch
from nextchar.samplers import Sampler, StatefulSampler

class SquaredTopK(Sampler):
    '''Cut to the k most probable characters, then square their probabilities.'''

    name = "mine"
    grid = (1, 2, 3)

    def __init__(self, k: int, power: float = 2.0, sampler=None):
        super().__init__(sampler)
        self.k, self.power = k, power

    def warp(self, logits):
        edge = logits.topk(min(self.k, logits.size(-1)), dim=-1).values[..., -1:]
        return logits.masked_fill(logits < edge, -torch.inf) * self.power

class NotTheLast(StatefulSampler):
    '''Never write the character that was read last.'''

    name = "not_the_last"

    def warp_after(self, logits, memory):
        return logits.scatter(-1, memory[:, None], -torch.inf)

    def remember(self, prompts):
        return prompts[:, -1]

    def update(self, memory, logits, ids):
        return ids
"""
"""A plugin with a sampler and one that has a memory."""

SAMPLERS = (
    "decoding.samplers=[{mine: 3}, {temperature: 0.7, mine: {k: 3, power: 1.5}}, "
    "{mine: 3, top_p: 0.9}, not_the_last, {not_the_last: null, mine: 2}]"
)
LABELS = [
    "mine=3",
    "temperature=0.7 mine=3,power=1.5",
    "mine=3 top_p=0.9",
    "not_the_last",
    "not_the_last mine=2",
]


@pytest.fixture(autouse=True)
def forget_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test imports and registers is unknown to the next."""
    monkeypatch.setattr(decoder, "_registered", list(decoder._registered))
    monkeypatch.setattr(plugins, "_loaded", {})
    for name in ("my_samplers", "theirs"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def plugin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """my_samplers.py in the working folder."""
    monkeypatch.chdir(folder)
    path = folder / "my_samplers.py"
    path.write_text(MINE, encoding="utf-8")
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_plugin_sampler_is_everywhere(plugin: Path) -> None:
    """One tiny run, with plots: its label and exact metrics in every file that people read."""
    ended = real(plugin.parent, "run", *TINY, "plugins=[my_samplers.py]", SAMPLERS)
    assert ended.code == 0, ended.err
    finished = (plugin.parent / "outputs" / "latest").resolve()
    report = (finished / "report.html").read_text(encoding="utf-8")
    plots = "".join(each.read_text(encoding="utf-8") for each in (finished / "plots").glob("*.svg"))
    metrics = {
        (row["sampler"], row["metric"]): float(row["value"])
        for row in rows(finished / "metrics.csv")
    }
    for label in LABELS:
        assert any(line.split("  ")[0] == label for line in ended.out.splitlines()), ended.out
        assert label in report
        assert label in plots
        assert (label, "entropy") in metrics
    assert metrics["mine=3", "kept_on_human"] == 3
    assert 0 < metrics["mine=3 top_p=0.9", "kept_on_human"] <= 3
    assert metrics["mine=3", "cut_mass"] > 0
    assert 0 < metrics["not_the_last", "cut_mass"] < 1  # its memory is of human text there
    lines = (finished / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    for each in map(json.loads, lines):
        if each["sampler"].startswith("not_the_last"):
            whole = each["prompt_text"][-1] + each["text"]
            assert all(one != other for one, other in pairwise(whole))


def test_an_edited_plugin_is_another_run(plugin: Path) -> None:
    arguments = (*TINY, "plugins=[my_samplers]", "decoding.samplers=[{mine: 2}]")
    assert run(plugin.parent, *arguments).code == 0
    assert "finished on" in run(plugin.parent, *arguments).err
    plugin.write_text(MINE.replace("power: float = 2.0", "power: float = 3.0"), encoding="utf-8")
    edited = run(plugin.parent, *arguments)
    assert "finished on" not in edited.err
    runs = {each.name for each in (plugin.parent / "outputs" / "runs").iterdir() if each.is_dir()}
    assert len(runs) == 2


@pytest.mark.slow
def test_its_parameter_can_be_swept(plugin: Path) -> None:
    over = "decoding.samplers=[{mine: 1}],[{mine: 2}]"
    ended = Forked(plugin.parent, "-m", *TINY, "plugins=[my_samplers]", over).wait()
    assert ended.code == 0, ended.err
    summary = rows((plugin.parent / "outputs" / "latest").resolve() / "summary.csv")
    assert [row["decoding.samplers"] for row in summary] == ["[{mine:1}]", "[{mine:2}]"]
    assert [float(row["kept_on_human"]) for row in summary] == [1, 2]


def test_both_ways_to_name_it_give_the_same_sampler(plugin: Path) -> None:
    load_plugins(["my_samplers"])
    logits = torch.randn(4, 9, generator=torch.Generator().manual_seed(0))
    for named, target in (
        ({"mine": 3}, {"_target_": "my_samplers.SquaredTopK", "k": 3}),
        (
            {"temperature": 0.7, "mine": {"k": 3, "power": 1.5}, "top_p": 0.9},
            {
                "temperature": 0.7,
                "_target_": "my_samplers.SquaredTopK",
                "k": 3,
                "power": 1.5,
                "sampler": {"top_p": 0.9},
            },
        ),
    ):
        one, other = build(named), build(target)
        assert other.exact
        assert one.label == other.label
        assert torch.equal(one.distribution(logits), other.distribution(logits))
    search = build_decoder({"_target_": "my_samplers.SquaredTopK", "k": 3, "best_of": 4})
    assert search.label == "mine=3 best_of=4"
    memory = build({"_target_": "my_samplers.NotTheLast", "sampler": {"mine": 2}})
    assert memory.has_memory
    assert memory.label == "not_the_last mine=2"


def test_the_registry_follows_the_plugin(plugin: Path) -> None:
    load_plugins(["my_samplers"])
    assert registered(Sampler)["mine"].parameters()["power"].default == 2.0
    plugin.write_text(MINE.replace('"mine"', '"other"').replace("2.0", "3.0"), encoding="utf-8")
    load_plugins(["my_samplers"])
    assert "mine" not in registered(Sampler)
    assert registered(Sampler)["other"].parameters()["power"].default == 3.0
    plugin.write_text(MINE + "\nraise RuntimeError\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="RuntimeError"):
        load_plugins(["my_samplers"])
    assert "mine" not in registered(Sampler), "what fails to load leaves nothing"
    assert "other" in registered(Sampler)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            'name = "top_k"',
            r"top_k: class TopKSampler \(.*top_k.py\) and class Mine \(.*wrong.py\)",
        ),
        ('name = "beam"', "have the same name; rename"),
        ('name = "two words"', "must be a word"),
        (
            'name = "mine"\n    def __init__(self, k): self.k = k',
            "its constructor must take `sampler=None`",
        ),
    ],
)
def test_a_class_that_cannot_be_registered_is_one_line(
    folder: Path, content: str, says: str
) -> None:
    path = folder / "wrong.py"
    path.write_text(f"import nextchar.samplers as s\nclass Mine(s.Sampler):\n    {content}\n")
    before = registered(Decoder)
    with pytest.raises(ConfigError, match=says) as caught:
        load_plugins([str(path)])
    assert "\n" not in str(caught.value)
    assert registered(Decoder) == before


WRONG = {
    "return None": "warp returned None; return a tensor",
    "return 3": "warp returned 3; return a tensor",
    "return logits[0]": "warp returned the shape",
    "return logits.float()": r"warp returned torch.float32; keep float64",
    "return logits * torch.nan": "warp returned NaN",
    "return logits * 0 - torch.inf": "warp returned NaN|nothing but -inf",
    "return logits - torch.inf": "nothing but -inf",
    "return logits + torch.inf": r"NaN|\+inf",
    "return logits - logits.amax(0)": "another distribution alone than beside others",
    "logits[..., 0] -= 1; return logits": "changes its logits in place",
    "return logits.nothing": r"raised AttributeError: .*nothing.* \(line \d+ of .*wrong.py\)",
    "import sys; sys.exit()": "raised SystemExit",
}
"""Bodies of `warp`, and what is said of them."""

MEMORY = """stateful = True
    def remember(self, prompts): return {remember}
    def update(self, memory, logits, ids): return {update}
    def warp_after(self, logits, memory): return logits + memory[:, None]
"""
CHOSEN = "logits.softmax(-1).gather(-1, ids[:, None])[:, 0]"

METHODS = {
    MEMORY.format(remember="prompts[:, 1].double()", update="memory"): "IndexError: index 1",
    MEMORY.format(
        remember="prompts[:, 0].double()", update=f"memory + {CHOSEN} * {CHOSEN}.log()"
    ): "NaN",
    "def distribution(self, logits, state=None): return logits.softmax(-1) / 2": "sums to 0.5",
    "def distribution(self, logits, state=None): return logits.softmax(-1).float()": "float32",
    "grid = (-1, 1)\n    def __init__(self, k, sampler=None):\n        super().__init__(sampler)\n"
    "        if k < 0: raise ValueError('too low')\n        self.k = k": "ValueError: too low",
    "def __init__(self, k, sampler=None): super().__init__(sampler)": "keep .* as self.k",
    "def __init__(self, k, sampler=None): raise RuntimeError('x')": "RuntimeError: x",
}
"""Further members of the class, and what is said of them."""


@pytest.mark.parametrize(
    ("warp", "member", "says"),
    [
        *((warp, "pass", says) for warp, says in WRONG.items()),
        *(("return logits", member, says) for member, says in METHODS.items()),
    ],
)
def test_a_wrong_plugin_is_one_line_before_training(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    compose: Callable[..., Config],
    warp: str,
    member: str,
    says: str,
) -> None:
    monkeypatch.chdir(folder)
    (folder / "wrong.py").write_text(
        "import torch\nfrom nextchar.samplers import Sampler\n\n"
        f"class Mine(Sampler):\n    name = 'mine'\n    {member}\n"
        f"    def warp(self, logits):\n        {warp}\n"
    )
    written = "{mine: 1}" if "self, k" in member else "mine: null"
    spec = f"decoding.samplers=[{{temperature: 0.7, {written.strip('{}')}, top_k: 3}}]"
    with pytest.raises(ConfigError, match=rf"class Mine \(.*wrong.py\).*({says})") as caught:
        run_experiment(compose(*TINY, "plugins=[wrong.py]", spec, f"paths.outputs={folder}/o"), "x")
    assert "\n" not in str(caught.value)
    assert not list((folder / "o").rglob("*")) if (folder / "o").exists() else True


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return None", "returned None for one row"),
        ("return 3", "returned 3"),
        ("return logits.argmax(-1).double() + 0.5", r"returned \[\d+.5\]"),
        ("return logits.argmax(-1).repeat(2)", r"returned \[\d+, \d+\]"),
        ("return logits.argmax(-1) + 1000", r"returned \[1\d+\]"),
        ("raise KeyError('x')", "raised KeyError: 'x'"),
    ],
)
def test_a_wrong_callable_is_one_line_before_training(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    compose: Callable[..., Config],
    body: str,
    says: str,
) -> None:
    monkeypatch.chdir(folder)
    (folder / "theirs.py").write_text(
        f"def make():\n    def pick(logits):\n        {body}\n    return pick\n"
    )
    config = compose(
        *TINY,
        "plugins=[theirs]",
        "decoding.samplers=[{top_k: 3, _target_: theirs.make}]",
        f"paths.outputs={folder}/o",
    )
    with pytest.raises(ConfigError, match=rf"function make.<locals>.pick \(.*theirs.py\).*{says}"):
        run_experiment(config, "x")


@pytest.mark.parametrize(
    "target", ["torch.nn.Identity", "sys.exit", "builtins.len", "math.pi", "no.thing", "theirs"]
)
def test_targets_that_are_no_samplers_are_one_line_before_training(
    folder: Path, monkeypatch: pytest.MonkeyPatch, compose: Callable[..., Config], target: str
) -> None:
    monkeypatch.chdir(folder)
    config = compose(
        *TINY, f"decoding.samplers=[{{_target_: {target}}}]", f"paths.outputs={folder}/o"
    )
    with pytest.raises(ConfigError, match=r"^decoding\.samplers: [^\n]*$"):
        run_experiment(config, "x")


def test_a_search_that_the_model_does_not_support_is_one_line_before_training(
    folder: Path, monkeypatch: pytest.MonkeyPatch, compose: Callable[..., Config]
) -> None:
    monkeypatch.chdir(folder)
    for search in ("contrastive: 0.3", "speculative: 3"):
        config = compose(
            "experiment=labml_baseline",
            "corpus=grammar",
            "model.layers=1",
            "model.width=16",
            "model.heads=2",
            f"decoding.samplers=[{{{search}}}]",
            f"paths.outputs={folder}/o",
        )
        with pytest.raises(ConfigError, match=r"needs a \w+, .*; use model=transformer"):
            run_experiment(config, "x")


def test_a_label_of_a_reference_is_taken(plugin: Path) -> None:
    plugin.write_text(MINE.replace('"not_the_last"', '"human"'), encoding="utf-8")
    load_plugins(["my_samplers"])
    with pytest.raises(ConfigError, match="'human' is the name of a reference"):
        build_decoders(["human"], 1)
