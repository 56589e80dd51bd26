"""nextchar-play in a process of its own, and a run that takes its time to write."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from launching import PATIENCE, environment, tiny

SLOW = """
import time
from nextchar.samplers import Sampler

class Slow(Sampler):
    '''The model's own distribution, after a hundredth of a second.'''

    name = "slow"

    def warp(self, logits):
        time.sleep(0.01)
        with open("choices", "a") as file:
            file.write(".")
        return logits
"""
"""A plugin whose text of a thousand characters takes ten seconds."""

RUN = (
    "model=labml_nn",
    "plugins=[slow.py]",
    "decoding.samplers=[greedy, {temperature: 0.7, top_p: 0.9}, {slow: null, best_of: 4}, slow]",
)


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    text: str


class Served:
    """A server on a free port, and the folder of its run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        code = "from nextchar.cli import play; play()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "--port", "0"],
            cwd=folder,
            env=environment(BROWSER="false"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline(), self.process.stdout.readline()
        self.address = self.said[0].split()[0]
        self.port = int(self.address.strip("/").rpartition(":")[2])

    def end(self) -> tuple[int, str]:
        """Ctrl-C: the exit code, and what stands on standard error."""
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """The whole answer to a request."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, body, {"Connection": "close"} | headers)
        with closing(connection.getresponse()) as response:
            return Answer(response.status, response.read().decode())

    def write(self, asked: Any, **headers: str) -> Answer:
        """The whole answer to a request of the page's."""
        body = asked if isinstance(asked, str) else json.dumps(asked)
        return self.ask("POST", "/write", body, **{"Content-Type": "application/json"} | headers)

    @contextmanager
    def writing(self, **asked: Any) -> Iterator[socket.socket]:
        """A request whose answer has begun; it is gone at the end of the block."""
        body = json.dumps(asked)
        head = "POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as browser:
            browser.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            assert browser.recv(1000).startswith(b"HTTP/1.1 200")
            yield browser

    @property
    def choices(self) -> int:
        """How often the slow sampler has chosen."""
        return len((self.folder / "choices").read_text())


def slow_run(folder: Path, play: str) -> Path:
    """A finished run in `folder`, of a model that no page can hold."""
    (folder / "play.txt").write_text(play, encoding="utf-8")
    (folder / "slow.py").write_text(SLOW, encoding="utf-8")
    tiny(folder, *RUN)
    return (folder / "outputs" / "latest").resolve()
