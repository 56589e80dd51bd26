"""The corpora: what is read, refused, replaced and split. Downloads are in test_programs.py."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nextchar.config import ConfigError, CorpusConfig
from nextchar.data import corpus, source
from nextchar.data.corpus import Corpus, Vocabulary
from nextchar.data.grammar import compiler
from nextchar.data.source import CorpusError
from nextchar.runtime import memory

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
    found = load(path, newlines="keep")
    assert found.text == text, "newlines untouched"
    assert found.notes == ()
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
        (b"\xff\xfe", {}, "set corpus.encoding=utf-16"),
        (b"caf\xe9", {}, "not UTF-8 text"),
        (b"caf\xe9", {}, "set corpus.encoding=NAME, as latin-1"),
        (b"abc", {"encoding": "utf-16"}, "not UTF-16 text"),
        (b"\xef\xbb\xbf", {}, "the file is empty"),
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


@pytest.mark.parametrize(
    ("content", "encoding", "says"),
    [
        (b"one\ntwo\n", "utf-8", None),
        (b"one\r\ntwo\r\n", "utf-8", "its line endings became LF (2 CR LF and 0 CR)"),
        (b"one\rtwo\r\n", "utf-8", "its line endings became LF (1 CR LF and 1 CR)"),
        (b"\xef\xbb\xbfone\ntwo\n", "utf-8", "a byte order mark was dropped"),
        (
            b"\xef\xbb\xbfone\r\ntwo\n",
            "utf-8",
            "a byte order mark was dropped and its line endings became LF (1 CR LF and 0 CR)",
        ),
        ("one\ntwo\n".encode("utf-16"), "utf-16", None),
        ("one\r\ntwo\n".encode("utf-16-be"), "utf-16-be", "its line endings became LF"),
        (b"one\ntwo\n", "latin-1", None),
    ],
)
def test_the_same_text_in_any_form_is_one_text(
    tmp_path: Path, content: bytes, encoding: str, says: str | None
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    found = load(path, encoding=encoding)
    assert found.text == "one\ntwo\n"
    assert found.identity == found.sha256 == hashlib.sha256(b"one\ntwo\n").hexdigest()
    config = dataclasses.replace(FILE, path=str(path), encoding=encoding)
    assert source.identity(config, source.locate(config)) == found.identity
    assert len(found.notes) == (says is not None)
    for note in found.notes:
        assert str(says) in note
        assert "corpus.newlines=keep" in note
    kept = load(path, encoding=encoding, newlines="keep")
    assert kept.notes == ()
    assert (kept.identity == found.identity) == (says is None)


def test_an_encoding_is_read_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("Füße\n".encode("cp1252"))
    assert load(path, encoding="cp1252").text == "Füße\n"
    with pytest.raises(CorpusError, match="'z'"):
        load(path, encoding="cp1252").vocabulary.encode("z")
    for wrong in ("nonsense", "hex", "", "a\0"):
        with pytest.raises(ConfigError, match=r"^corpus\.encoding="):
            dataclasses.replace(FILE, encoding=wrong)


def test_a_text_longer_than_a_piece_is_encoded_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(chr(ord("a") + index * index % 26) for index in range(1000)) + "\U0001f600"
    vocabulary = Vocabulary("".join(sorted(set(text))))
    whole = vocabulary.encode(text)
    monkeypatch.setattr(corpus, "AT_ONCE", 7)
    assert torch.equal(vocabulary.encode(text), whole)
    assert vocabulary.decode(whole) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("To be, or not to be, that is the question:\n" * 40, True),
        (
            "道可道非常道名可名非常名。\n" * 100 + "無名天地之始有名萬物之母故常無欲以觀其妙" * 50,
            False,
        ),
        ("ACGTTGCA" * 500, False),
        ("ab", True),
    ],
)
def test_whether_a_text_has_words_is_said(tmp_path: Path, text: str, words: bool) -> None:
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8")
    found = load(path)
    assert corpus.has_words(text) is words
    assert [("metrics of words are left out" in note) for note in found.notes] == [True] * (
        not words
    )


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(CorpusError, match="not a file; name a text file"):
            load(path)


def test_a_text_that_does_not_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("abcd" * 1000)
    monkeypatch.setattr(memory, "total", lambda: 12_000)
    with pytest.raises(ConfigError, match=r"text\.txt: the text takes"):
        load(path)


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
