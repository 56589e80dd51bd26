"""Where texts come from: identities by content, and downloads that end."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from local_server import serving
from test_corpus import FILE, GRAMMAR

from nextchar.config import CorpusConfig
from nextchar.data import corpus, download, source
from nextchar.data.grammar import lexicon
from nextchar.data.source import CorpusError, CorpusMissingError


def identity(config: CorpusConfig) -> str:
    return source.identity(config, source.locate(config))


def test_a_file_is_identified_by_its_content(tmp_path: Path) -> None:
    path, other = tmp_path / "text.txt", tmp_path / "other.txt"
    path.write_text("abc")
    other.write_text("abc")
    config = dataclasses.replace(FILE, path=str(path))
    first = identity(config)
    assert first == hashlib.sha256(b"abc").hexdigest() == corpus.load(config).identity
    assert identity(dataclasses.replace(FILE, path=str(other))) == first
    path.write_text("abcd")
    assert identity(config) == hashlib.sha256(b"abcd").hexdigest()
    # Also a change that leaves the time stamp as it was.
    stamp = path.stat()
    path.write_text("abcde")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert identity(config) == hashlib.sha256(b"abcde").hexdigest()


def test_a_file_in_the_home_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config = dataclasses.replace(FILE, path="~/text.txt")
    for text in ("first", "second"):
        (tmp_path / "text.txt").write_text(text)
        assert identity(config) == hashlib.sha256(text.encode()).hexdigest()


def test_the_grammar_is_identified_by_what_it_is_drawn_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = identity(GRAMMAR)
    assert first == corpus.load(GRAMMAR).identity
    assert identity(dataclasses.replace(FILE, path=str(tmp_path / "no"), fallback="grammar")) == (
        first
    )
    others = {identity(dataclasses.replace(GRAMMAR, **{key: 7})) for key in ("seed", "characters")}
    monkeypatch.setattr(lexicon, "SHA256", "another lexicon")
    assert len({first, *others, identity(GRAMMAR)}) == 4


def test_an_identity_needs_no_torch() -> None:
    code = "import sys; from nextchar.data import source; from nextchar.experiment import identity"
    imported = f"{code}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", imported], check=True)


@pytest.fixture
def dripping() -> Iterator[str]:
    """The address of a server that sends a byte every 20 ms; it says of /measured how many."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            if self.path == "/measured":
                self.send_header("Content-Length", "100000")
            self.end_headers()
            with contextlib.suppress(OSError):
                while not over.wait(0.02):
                    self.wfile.write(b"a")

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler, over) as address:
        yield address


def test_a_download_ends_also_when_data_keeps_coming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dripping: str
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "TOTAL_TIMEOUT", 0.3)
    config = dataclasses.replace(FILE, path=str(tmp_path / "text.txt"), url=f"{dripping}/measured")
    started = time.monotonic()
    with pytest.raises(CorpusMissingError, match=r"\(not complete after 0.3 seconds\)"):
        source.locate(config)
    assert time.monotonic() - started < 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["measured", "unmeasured"])
def test_a_download_has_a_largest_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dripping: str, way: str
) -> None:
    """By what the server says, or where it says nothing by what has come; never replaced."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "MAX_BYTES", 5)
    config = dataclasses.replace(
        FILE, path=str(tmp_path / "text.txt"), url=f"{dripping}/{way}", fallback="grammar"
    )
    with pytest.raises(CorpusError, match="more than 5 bytes; download it yourself") as caught:
        source.locate(config)
    assert not isinstance(caught.value, CorpusMissingError)
    assert list(tmp_path.iterdir()) == []
