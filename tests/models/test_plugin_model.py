"""A model from a plugin: one file, chosen by name, trained and compared like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from launching import run

from nextchar import results

BIGRAM = """
import dataclasses
from torch import nn
from nextchar.config import ModelConfig, setting
from nextchar.models.base import ParameterGroups
from nextchar.models.uncached import UncachedModel

@dataclasses.dataclass(frozen=True, kw_only=True)
class BigramConfig(ModelConfig):
    kind: str = setting("bigram", "sees one character")
    spread: float = setting(0.02, "standard deviation of the initial weights", above=0)

class Bigram(UncachedModel):
    config_class = BigramConfig

    def __init__(self, config, vocabulary_size):
        super().__init__()
        self.context = config.context
        self.logits = nn.Embedding(vocabulary_size, vocabulary_size)
        nn.init.normal_(self.logits.weight, std=config.spread)

    def forward(self, ids):
        return self.logits(ids)

    def parameter_groups(self):
        return ParameterGroups.of(self, embedding=self.logits)
"""
SMALL = (
    "corpus=text_file",
    "corpus.path=play.txt",
    "threads=1",
    "training.steps=12",
    "training.batch_size=8",
    "training.evaluate_every=6",
    "decoding.prompts=4",
    "decoding.prompt_length=8",
    "decoding.length=16",
    "metrics.resamples=20",
    "decoding.samplers=[greedy,{temperature: 0.7, top_p: 0.9},{beam: 2}]",
    "plugins=[bigram.py]",
    "model=bigram",
    "model.context=16",
)


@pytest.fixture
def folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder / "bigram.py").write_text(BIGRAM)
    monkeypatch.chdir(folder)
    return folder


def newest(folder: Path) -> Path:
    return (folder / "outputs" / "latest").resolve()


def test_it_is_trained_and_compared_as_any_other(folder: Path, tiny_run: Path) -> None:
    ended = run(folder, *SMALL, "model.spread=0.1")
    assert (ended.code, ended.err.count("Error")) == (0, 0), ended.err
    found = results.read_run(newest(folder))
    expected = {path.name for path in tiny_run.iterdir()} - {"plots"}
    assert {path.name for path in found.folder.iterdir()} >= expected
    assert found.config["model"] == {"kind": "bigram", "context": 16, "spread": 0.1}
    assert "the text is cropped" in found.manifest["generation"]["past_the_context"]
    assert {row.sampler for row in found.metrics} >= {"greedy", "beam=2", "human"}
    losses = [record.val_loss for record in found.training if record.val_loss is not None]
    assert losses[-1] < losses[0], "it learns"


def test_its_file_is_part_of_the_identity_of_what_is_trained(folder: Path) -> None:
    identities = []
    for line in ("", "# another file, of the same class\n"):
        (folder / "bigram.py").write_text(BIGRAM + line)
        assert run(folder, *SMALL).code == 0
        identities.append(results.read_run(newest(folder)).manifest["model_id"])
    assert len(set(identities)) == 2
    # A plugin that has nothing to do with the model leaves it as it is.
    (folder / "other.py").write_text("x = 1\n")
    assert run(folder, *SMALL, "plugins=[bigram.py,other.py]").code == 0
    assert results.read_run(newest(folder)).manifest["model_id"] == identities[1]


def test_a_sweep_trains_it_in_processes_that_have_not_seen_it(folder: Path) -> None:
    ended = run(folder, *SMALL, "-m", "seed=0,1", "name=sweep")
    assert ended.code == 0, ended.err
    assert len(list(folder.glob("outputs/runs/*/DONE"))) == 2


def test_help_shows_its_keys(folder: Path) -> None:
    said = run(folder, *SMALL, "--help").out
    assert "spread: 0.02" in said
    assert "# standard deviation of the initial weights" in said


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["model.spread=0"], "model.spread=0.0: must be above 0"),
        (["model.spred=1"], "model.spred: there is no such key; did you mean model.spread?"),
        (["model.layers=1"], "model.layers: this model has no such key"),
        (["plugins=[]"], "Could not find 'model/bigram'"),
        (["plugins=[bigram.py,nowhere.py]"], "plugins: nowhere.py: no such file"),
        (["plugins=[bigram.py"], "a bracket is missing"),
        (["experiment=smoke"], "Key 'layers' not in 'BigramConfig'"),
        (
            ["metrics.frontier=true", "metrics.frontier_window=8"],
            "metrics.frontier=true: Bigram does not show its hidden",
        ),
        (["decoding.samplers=[{contrastive: 0.6}]"], "contrastive=0.6: needs a HiddenStateModel"),
        (["decoding.samplers=[{speculative: 2}]"], "speculative=2: needs a Transformer"),
    ],
)
def test_what_it_can_not_do_is_one_line_before_anything_is_written(
    folder: Path, overrides: list[str], says: str
) -> None:
    ended = run(folder, *SMALL, *overrides)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.lines
    assert says in line
    assert not (folder / "outputs").exists()
