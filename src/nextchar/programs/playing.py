"""`nextchar-play [RUN]`: a run's page on this machine, with the run's model behind it."""

from __future__ import annotations

import argparse
import os
import socket
import threading
import webbrowser

from nextchar import api
from nextchar.config import ConfigError
from nextchar.config.validation import require
from nextchar.results import REPORT

ADDRESS = "127.0.0.1"
CONNECTIONS = 64
"""At once, at most; the server refuses more."""


def play() -> None:
    """The command, with the arguments of the command line. Raises ConfigError for a mistake."""
    given = _parser().parse_args()
    require(0 <= given.port < 2**16, "--port", given.port, "must be from 0 to 65535")
    run = api.read_run(given.run or api.newest_run())
    from nextchar.report.page import served_page

    page = served_page(run)
    if page is None:
        raise ConfigError(
            f"RUN={run.folder.name}: its page has no texts to play with or is of an older version; "
            f"delete {run.folder / REPORT} and repeat the run's command, which writes it anew"
        )
    with _listening(given.port) as listening:
        import uvicorn

        from nextchar.programs.answering import Engine, application

        engine = Engine(run.folder, run.config["decoding"])
        config = uvicorn.Config(
            application(page, run.folder, engine),
            limit_concurrency=CONNECTIONS,
            lifespan="off",
            log_level="error",
            ws="none",
        )
        server = uvicorn.Server(config)
        engine.ended = lambda: server.should_exit
        port = listening.getsockname()[1]
        address = f"http://{ADDRESS}:{port}/"
        forward = f"ssh -L {port}:{ADDRESS}:{port} THIS_MACHINE"
        print(f"{address}  (Ctrl-C ends it)")
        print(f"from another machine: {forward} there, then the same address", flush=True)
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
        server.run(sockets=[listening])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nextchar-play",
        description="Serve a run's page on this machine, to its own browsers alone: Python's "
        "engine writes in it, with any model, sampler or search of the run.",
    )
    parser.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        help="a run: its folder, name, or the beginning of its id; the newest run by default",
    )
    parser.add_argument(
        "--port", type=int, default=8000, help="%(default)s by default; 0: any that is free"
    )
    return parser


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((ADDRESS, port))
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        remedy = "name another, or 0 for any that is free"
        raise ConfigError(f"--port={port}: {reason}; {remedy}") from error
