"""What nextchar-play answers to a browser: the page, the run's files, and texts as JSON lines."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import torch
from anyio import from_thread, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from torch import Tensor

from nextchar.config import ConfigError
from nextchar.decoding.engine import Row
from nextchar.decoding.registry import Decoder
from nextchar.decoding.stream import places
from nextchar.models.base import LanguageModel
from nextchar.programs.sampling import model_folder, ready_decoder
from nextchar.report.samples import CHARACTERS as LONGEST
from nextchar.results import REPORT
from nextchar.runtime import device
from nextchar.samplers import Sampler, registered
from nextchar.training import store

HOSTS = ("127.0.0.1", "localhost")
"""The names under which a browser may ask: another name that leads here is another site's."""
LONGEST_PROMPT = 10_000
BODY = 256 * 1024
"""Bytes of a request at most."""
PATIENCE = 2.0
"""Seconds that a request waits for the one before it."""
BUSY = "the model is writing another text; try again when it is finished"


def application(page: str, folder: Path, engine: Engine) -> Starlette:
    """The page, the files of the run beside it, and the engine, to our own host names alone."""
    return Starlette(
        routes=[
            *(Route(path, lambda _: HTMLResponse(page)) for path in ("/", f"/{REPORT}")),
            Route("/write", engine, methods=["POST"]),
            Mount("/", StaticFiles(directory=folder)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
    )


class EndedError(Exception):
    """The server ends, and with it what it writes."""


class Engine:
    """The model of a run. It answers the requests of server.js, one at a time.

    A request is a JSON object of `prompt` and `forced` (ids), `spec`, `count`, `skip`, `seed`,
    `index` and `sample`; the answer a line for each place after the first `skip`, `{id, logits}`
    (float32 [V] in base64, little-endian), and `{done}` or `{error}` at its end.
    """

    def __init__(self, run: Path, decoding: Mapping[str, Any]) -> None:
        """`decoding` is that section of the run's config."""
        self.ended: Callable[[], bool] = lambda: False
        self._decoding = decoding
        self._stored = store.load(*model_folder(run))
        device.configure_torch(self._stored.config.threads)
        self._watch(self._stored.model)
        self._turn = anyio.Lock()

    def _watch(self, model: LanguageModel) -> None:
        """Let the model's next step end what nobody reads any more: samplers and searches alike."""
        name = "step_hidden" if hasattr(model, "step_hidden") else "step"
        step = getattr(model, name)

        def watched(*arguments: Any) -> Any:
            from_thread.check_cancelled()
            if self.ended():
                raise EndedError
            return step(*arguments)

        setattr(model, name, watched)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(Request(scope, receive))
        try:
            with anyio.fail_after(PATIENCE):
                await self._turn.acquire()
        except TimeoutError:
            raise HTTPException(429, BUSY) from None
        try:
            written = await to_thread.run_sync(self._asked, body)
            # It stops where the browser goes.
            response = StreamingResponse(_lines(*written), media_type="application/x-ndjson")
            await response(scope, receive, send)
        except ConfigError as error:
            raise HTTPException(400, str(error)) from error
        finally:
            self._turn.release()

    def _asked(self, body: bytes) -> tuple[Iterator[tuple[int, Tensor]], int]:
        """The places of a request, not yet written, and how many of them its page has already.

        Raises ConfigError for what it may not ask.
        """
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            raise ConfigError("the request is no JSON object")
        spec = asked.get("spec")
        forced = self._ids(asked, "forced", 0, LONGEST)
        length = _whole(asked, "count", 1, LONGEST if spec else len(forced))
        row = Row(
            0,
            _whole(asked, "index", 0, self._decoding["prompts"] - 1),
            _whole(asked, "sample", 0, 10_000),
        )
        written = places(
            self._stored.model,
            self._ids(asked, "prompt", 1, LONGEST_PROMPT),
            self._decoder(spec) if spec else None,
            row,
            length=length,
            seed=_whole(asked, "seed", 0, 2**53),
            forced=forced,
        )
        return written, _whole(asked, "skip", 0, length)

    def _ids(self, asked: Mapping[str, Any], key: str, least: int, most: int) -> Tensor:
        ids, vocabulary = asked.get(key, []), len(self._stored.vocabulary)
        known = isinstance(ids, list) and all(
            type(each) is int and 0 <= each < vocabulary for each in ids
        )
        if not known or not least <= len(ids) <= most:
            raise ConfigError(f"{key}: must be {least:,} to {most:,} characters of the vocabulary")
        return torch.tensor(ids, dtype=torch.long)

    def _decoder(self, spec: Any) -> Decoder:
        """One of the run's, or a chain of samplers: no search of any size, no `_target_`."""
        names = {spec} if isinstance(spec, str) else set(spec) if isinstance(spec, dict) else {None}
        if not names <= registered(Sampler).keys() and spec not in self._decoding["samplers"]:
            raise ConfigError("spec: must be of samplers, or one of the run's own")
        return ready_decoder(spec, self._stored)


async def _body(request: Request) -> bytes:
    """The body of a request from a page of this server, of a bounded size."""
    origin = request.headers.get("origin")
    if origin not in {None, f"http://{request.headers['host']}"}:
        raise HTTPException(403, "only a page of this server may ask")
    if request.headers.get("content-type") != "application/json":
        raise HTTPException(415, "send application/json")  # which no other site's form can
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY:
            raise HTTPException(413, f"a request has at most {BODY:,} bytes")
    return bytes(body)


def _whole(asked: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = asked.get(key, 0)
    if type(value) is not int or not least <= value <= most:
        raise ConfigError(f"{key}: must be a whole number from {least:,} to {most:,}")
    return value


def _lines(written: Iterator[tuple[int, Tensor]], skip: int) -> Iterator[str]:
    try:
        for place, (index, logits) in enumerate(written):
            if place >= skip:
                values = logits.float().cpu().numpy().astype("<f4").tobytes()
                yield json.dumps({"id": index, "logits": b64encode(values).decode()}) + "\n"
        yield json.dumps({"done": True}) + "\n"
    except ConfigError as error:
        yield json.dumps({"error": str(error)}) + "\n"
    except EndedError:
        return
