"""What lies on disk reads back as it was; files are whole or absent."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nextchar import results
from nextchar.results import Metric, Sample, TrainingRecord, provenance
from nextchar.runtime import files

figures = st.floats(allow_nan=False)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results") / "file"


@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))),
    value=figures,
    n=st.integers(0, 10**9),
)
def test_metrics_read_back(path: Path, names: list[str], value: float, n: int) -> None:
    rows = [Metric(name, "m", value, -value, value / 3, n, "bits") for name in names]
    results.write_metrics(path, rows)
    assert results.read_metrics(path) == rows


@given(loss=figures, val_loss=st.one_of(st.none(), figures))
def test_training_reads_back(path: Path, loss: float, val_loss: float | None) -> None:
    rows = [TrainingRecord(5, loss, val_loss, 0.02, 1234.5)]
    results.write_training(path, rows)
    assert results.read_training(path) == rows


@example(written="a\u2028b\u0085c\u2029\x1c\v\f\r")
@given(written=st.text(st.characters(exclude_categories=["Cs"])))
def test_samples_read_back_a_line_each(path: Path, written: str) -> None:
    samples = [Sample("top_k=5", 1, 0, "p\n", written, tuple([0.5] * len(written)))] * 2
    results.write_samples(path, samples)
    assert results.read_samples(path) == samples
    lines = path.read_bytes().split(b"\n")
    assert len(lines) == 3
    assert json.loads(lines[0])["text"] == written
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_a_csv_is_tidy(path: Path) -> None:
    results.write_metrics(path, [Metric("greedy", "loops", 1.0, 0.1, math.inf, 3, "share")])
    assert path.read_text() == (
        "sampler,metric,value,low,high,n,unit\ngreedy,loops,1,0.1,inf,3,share\n"
    )


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    files.write_text(target, "old\r\n")
    with pytest.raises(RuntimeError), files.replacing(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_bytes() == b"old\r\n"
    assert list(target.parent.iterdir()) == [target]


def test_git_is_asked_without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a run in the background could make a commit of its user fail."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(provenance, "_git", lambda folder, *words: asked.append(words) or "x")
    provenance.code.cache_clear()
    try:
        assert provenance.code()["dirty"] is True
    finally:
        provenance.code.cache_clear()
    assert [words[0] for words in asked if "status" in words] == ["--no-optional-locks"]
