"""The laws of the lock: one at a time, in turn, and never held by the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from nextchar.runtime import lock

HOLD = """
import sys, time
from pathlib import Path
from nextchar.runtime import lock
with lock.holding(Path(sys.argv[1]), "a thing"):
    print("held", flush=True)
    time.sleep(60)
"""
COUNT = """
import sys
from pathlib import Path
from nextchar.runtime import lock
folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
for _ in range(rounds):
    with lock.holding(folder / "count.lock", "the count"):
        count = int((folder / "count").read_text())
        (folder / "count").write_text(str(count + 1))
"""


def _holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def _end(process: subprocess.Popen[str], how: signal.Signals) -> None:
    process.send_signal(how)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "thing.lock"
    with lock.holding(path, "a thing"):
        assert path.exists()
        assert lock.is_held(path)
    assert not path.exists()
    assert not lock.is_held(path)


def test_held_by_another_names_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "thing.lock"
    process = _holder(path)
    try:
        assert lock.is_held(path)
        with (
            pytest.raises(lock.HeldError, match=f"the thing is held by process {process.pid} on"),
            lock.holding(path, "the thing", wait=False),
        ):
            pass
        assert path.exists()
    finally:
        _end(process, signal.SIGKILL)


def test_a_crashed_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "thing.lock"
    _end(_holder(path), signal.SIGKILL)
    assert path.exists()  # it had no time to tidy up
    assert not lock.is_held(path)
    with lock.holding(path, "the thing", wait=False):
        pass


def test_who_waits_says_so_and_goes_on_when_the_holder_dies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "thing.lock"
    process = _holder(path)
    killer = subprocess.Popen(
        [sys.executable, "-c", f"import os, time; time.sleep(0.5); os.kill({process.pid}, 9)"]
    )
    started = time.monotonic()
    with lock.holding(path, "the thing"):
        assert time.monotonic() - started > 0.1
    killer.wait()
    _end(process, signal.SIGKILL)
    assert f"waiting for process {process.pid} on" in capsys.readouterr().err


def test_increments_are_never_lost(tmp_path: Path) -> None:
    """Four processes count to 400 together; without the lock, or with a race at its removal, less.

    A lock file that is removed and made anew at every turn is where such a race would be.
    """
    (tmp_path / "count").write_text("0")
    workers = [
        subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path), "100"], stderr=-3)
        for _ in range(4)
    ]
    assert [worker.wait() for worker in workers] == [0] * 4
    assert (tmp_path / "count").read_text() == "400"


def test_an_error_in_the_block_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "thing.lock"
    with pytest.raises(KeyError), lock.holding(path, "the thing"):
        raise KeyError
    assert not path.exists()


def test_a_filesystem_without_locks_is_said_and_not_fatal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(lock.errno.ENOLCK, os.strerror(lock.errno.ENOLCK))

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    with lock.holding(tmp_path / "thing.lock", "the thing"):
        pass
    assert "no file locks" in capsys.readouterr().err


@pytest.mark.skipif(
    not hasattr(os, "seteuid") or os.geteuid() != 0, reason="needs another user to be"
)
def test_a_lock_of_another_user_says_whose() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.lock"
        path.touch(mode=0o600)
        Path(name).chmod(0o755)
        os.seteuid(65534)
        try:
            for file, says in (
                ("model.lock", "the lock of root, who is"),
                ("x", "write there"),
            ):
                with (
                    pytest.raises(PermissionError, match=says) as raised,
                    lock.holding(Path(name) / file, "model m"),
                ):
                    pass
                assert "set paths.outputs to a folder of your own" in str(raised.value)
        finally:
            os.seteuid(0)
