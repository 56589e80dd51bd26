"""nextchar-sample: the engine's texts after a prompt of one's own, from a model's folder alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from launching import Ended, Forked, environment

from nextchar import results

SAMPLER = "{temperature: 0.7, top_p: 0.9}"


@pytest.fixture(scope="module")
def alone(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run in a folder without its text."""
    folder = tmp_path_factory.mktemp("alone")
    shutil.copytree(tiny_run.parents[1], folder / "outputs", symlinks=True)
    (folder / "empty.txt").touch()
    return folder


def sampled(folder: Path, *arguments: str) -> Ended:
    return Forked(folder, *arguments, program="sample").wait()


@pytest.mark.parametrize("name", [[], ["tiny"], ["outputs/latest"], ["models"]])
def test_the_text_is_the_one_that_the_comparison_wrote(
    alone: Path, tiny_run: Path, name: list[str]
) -> None:
    if name == ["models"]:
        name = results.model_ids(results.read_json(tiny_run / results.MANIFEST))
    (told,) = (
        each
        for each in results.read_samples(tiny_run / results.SAMPLES)
        if each.sampler == "temperature=0.7 top_p=0.9" and each.prompt == 0
    )
    asked = ("--prompt", told.prompt_text, "--sampler", SAMPLER, "--length", "16")
    ended = sampled(alone, *name, *asked)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{told.prompt_text}{told.text}\n"
    facts = json.loads(sampled(alone, *name, *asked, "--json").out)
    assert facts["bits"] == list(told.bits)
    assert (facts["text"], facts["sampler"]) == (told.text, told.sampler)


def test_seeds_and_samples_are_told_apart_and_repeat(alone: Path) -> None:
    many = ("--samples", "3", "--length", "20", "--json")
    first = [json.loads(line)["text"] for line in sampled(alone, *many).out.splitlines()]
    again = [json.loads(line)["text"] for line in sampled(alone, *many).out.splitlines()]
    other = [
        json.loads(line)["text"] for line in sampled(alone, *many, "--seed", "1").out.splitlines()
    ]
    assert first == again
    assert len({*first, *other}) == len(first) + len(other)


def test_a_search_writes_too_and_bits_are_averaged(alone: Path) -> None:
    ended = sampled(alone, "--sampler", "{temperature: 0.7, best_of: 4}", "--length", "8", "--json")
    facts = json.loads(ended.out)
    assert facts["sampler"] == "temperature=0.7 best_of=4"
    shown = sampled(alone, "--sampler", "{temperature: 0.7, best_of: 4}", "--length", "8", "--bits")
    mean = sum(facts["bits"]) / 8
    assert shown.err.startswith(f"{mean:.2f} bits per character (no tints")
    assert shown.out == f"\n{facts['text']}\n"


@pytest.mark.parametrize("source", ["-", "prompt.txt"])
def test_a_prompt_from_standard_input_or_a_file(alone: Path, source: str) -> None:
    (alone / "prompt.txt").write_text("ANN:\n", encoding="utf-8")
    code = "from nextchar.cli import sample; sample()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "--file", source, "--length", "5"],
        cwd=alone,
        env=environment(),
        input="ANN:\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.startswith("ANN:\n")
    assert len(ended.stdout) == len("ANN:\n") + 5 + 1


WRONG = [
    (["--prompt", "thé"], "'é' (U+00E9), which this model has never read; write 'e' instead"),
    (["--prompt", "日本"], "'日' (U+65E5), which this model has never read; it knows '\\n "),
    (["--file", "empty.txt"], "is empty"),
    (["--file", "none.txt"], "No such file"),
    (["--sampler", "{top_k: 0}"], "--sampler: top_k=0: must be"),
    (["--sampler", "{top_k: "], "--sampler={top_k: : can't be read"),
    (["--samples", "0"], "--samples=0: must be at least 1"),
    (["--sampler", "{speculative: 3}"], "corpus.path=play.txt: no such file"),
    (["nonsense"], "RUN=nonsense: no run, sweep or model is called so"),
]


@pytest.mark.parametrize(("arguments", "reason"), WRONG)
def test_a_mistake_is_one_line(alone: Path, arguments: list[str], reason: str) -> None:
    ended = sampled(alone, *arguments)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.lines
    assert reason in line
