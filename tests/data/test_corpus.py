"""The corpora: what is read, refused, replaced and split. Downloads are in test_programs.py."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nextchar.config import CorpusConfig
from nextchar.data import corpus
from nextchar.data.corpus import Corpus, Vocabulary
from nextchar.data.grammar import compiler
from nextchar.data.source import CorpusError

FILE = CorpusConfig(
    name="text_file",
    kind="file",
    path="?",
    url=None,
    sha256=None,
    fallback=None,
    train_fraction=0.9,
    train_share=1.0,
    characters=5_000,
    seed=0,
)
GRAMMAR = dataclasses.replace(FILE, name="grammar", kind="grammar", path=None)


def load(path: Path, **changes: object) -> Corpus:
    return corpus.load(dataclasses.replace(FILE, path=str(path), **changes))  # type: ignore[arg-type]


@given(st.text(min_size=1))
def test_encoding_reads_back(text: str) -> None:
    vocabulary = Vocabulary("".join(sorted(set(text))))
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    assert ids.max() < len(vocabulary)


def test_a_character_outside_is_named() -> None:
    with pytest.raises(CorpusError, match="'z'"):
        Vocabulary("ab").encode("abz")


def test_a_file_is_read_as_it_is_and_split_in_order(tmp_path: Path) -> None:
    text = "a\r\nb\tßé\n" * 10 + "xy"
    path = tmp_path / "text.txt"
    path.write_bytes(text.encode())
    found = load(path)
    assert found.text == text, "newlines untouched"
    assert found.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert len(found.train) == int(len(text) * 0.9)
    whole = torch.cat((found.train, found.validation))
    assert found.vocabulary.decode(whole) == text
    assert found.train_text + found.validation_text == text
    assert found.automaton is None
    assert found.substituted is None


@pytest.mark.parametrize(
    ("content", "changes", "says"),
    [
        (None, {}, "no such file; name one that exists"),
        (b"", {}, "the file is empty"),
        (b"\xff\xfe", {}, "not UTF-8 text"),
        (b"abc", {"sha256": "0" * 64}, "its sha256 is ba7816bf"),
    ],
)
def test_a_file_that_can_not_be_used(
    tmp_path: Path, content: bytes | None, changes: dict[str, object], says: str
) -> None:
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CorpusError) as caught:
        load(path, **changes)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="not a file"):
        load(tmp_path)


def test_a_wrong_hash_is_never_replaced_by_the_fallback(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("abc")
    with pytest.raises(CorpusError, match="sha256"):
        load(path, sha256="0" * 64, fallback="grammar")


def test_the_grammar_takes_the_place_of_a_missing_file_and_says_so(tmp_path: Path) -> None:
    found = load(tmp_path / "none.txt", fallback="grammar")
    assert found.name == "grammar"
    assert found.text == compiler.write_play(5_000, seed=0)
    assert found.substituted is not None
    assert "none.txt: no such file" in found.substituted
    assert "embedded corpus" in found.substituted
    asked_for = corpus.load(GRAMMAR)
    assert asked_for.substituted is None
    assert asked_for.sha256 == found.sha256


def test_the_grammar_knows_its_truth() -> None:
    found = corpus.load(GRAMMAR)
    assert found.automaton is compiler.play()
    assert found.vocabulary.characters == found.automaton.alphabet, "also what a short text lacks"
    other = corpus.load(dataclasses.replace(GRAMMAR, seed=1))
    assert other.sha256 != found.sha256


def test_room_for_the_context_and_the_prompts(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("ab" * 50)
    found = load(path)
    found.require(train=90, validation=10)
    with pytest.raises(CorpusError, match="training split has 90 characters, at least 91"):
        found.require(train=91, validation=10)
    with pytest.raises(CorpusError, match="validation split has 10 characters, at least 11"):
        found.require(train=90, validation=11)
