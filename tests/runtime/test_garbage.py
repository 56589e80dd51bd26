"""Programs look for garbage rarely, and still find it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from launching import real

from nextchar.runtime import garbage


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


class _Cycle:
    def __init__(self) -> None:
        self.itself = self


def test_garbage_is_found_in_the_end() -> None:
    garbage.collect_rarely()
    lost = weakref.ref(_Cycle())
    assert lost() is not None
    kept = [[] for _ in range(2 * garbage.OBJECTS)]
    assert lost() is None
    del kept


def test_every_program_does(tmp_path: Path) -> None:
    code = "import atexit, gc; atexit.register(lambda: print(gc.get_threshold()))"
    (tmp_path / "sitecustomize.py").write_text(code, encoding="utf-8")
    ended = real(tmp_path, "view", "--list", PYTHONPATH=str(tmp_path))
    assert str((garbage.OBJECTS, 10, 10)) in ended.out
