"""Downloads, bounded in size and time: the whole content, or a DownloadError in one line."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request

from nextchar.runtime import progress

CONNECTION_TIMEOUT = 10.0
"""Seconds to wait for an answer, and between two pieces of it."""
TOTAL_TIMEOUT = 600.0
"""Seconds that a whole download may take."""
MAX_BYTES = 1 << 30
"""Bytes that a download may have."""


class DownloadError(Exception):
    """The content could not be downloaded whole; the message says why, in one line."""


class TooLargeError(DownloadError):
    """The content has more than MAX_BYTES."""


def download(url: str, name: str) -> bytes:
    """The content of `url`; `name` is what the progress bar calls it."""
    try:
        return _read(url, name)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # an HTTPError is also the answer, with its open connection
        raise DownloadError(" ".join(str(error).split())) from error


def _read(url: str, name: str) -> bytes:
    content = bytearray()
    until = time.monotonic() + TOTAL_TIMEOUT
    with urllib.request.urlopen(url, timeout=CONNECTION_TIMEOUT) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        with progress.task(f"downloading {name}", max(total, 1)) as task:
            # read1 returns what has arrived: read would wait for a slow server past any limit.
            while chunk := answer.read1(1 << 16):
                content += chunk
                if max(total, len(content)) > MAX_BYTES:
                    raise TooLargeError(f"more than {MAX_BYTES:,} bytes")
                if time.monotonic() > until:
                    raise TimeoutError(f"not complete after {TOTAL_TIMEOUT:g} seconds")
                task.update(len(content) if total else 0)
    if len(content) < total:  # urllib does not check this
        raise http.client.IncompleteRead(bytes(content), total - len(content))
    return bytes(content)
