"""A request as the application sees it, whatever way it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Self

from httptools import parse_url

from breeze.surfaces.http.reply import Headers


class Asked:
    """What was asked; this one has no body.

    `method` (empty for a WebSocket), `path` and `query` as sent, percent-encoded; `pairs` are the
    headers as sent with names in lower case, `headers` the last of each name; `version` of HTTP.
    `client`: their address, empty on a Unix socket. `complete`: all of the body is here, `size`
    bytes of it until now. `left`: the client has gone; `stop` is called
    when it goes, if there is one.
    """

    version = "1.1"
    client = ""
    complete = True
    size = 0
    left = False
    stop: Callable[[], object] | None = None

    def __init__(self, method: str, path: str, query: bytes, pairs: Headers) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.pairs = pairs
        self.headers = dict(pairs)

    @classmethod
    def of_socket(cls, scope: Mapping[str, Any]) -> Self:
        """The same of a WebSocket's handshake. `scope`: ASGI's."""
        path = scope["raw_path"].decode("latin-1")
        return cls("", path, scope["query_string"], list(scope["headers"]))

    def take(self) -> bytes:
        """What has come of the body and was not taken yet."""
        return b""

    async def more(self) -> bytes:
        """The same; waits until there is something, or the body is complete.

        Raises CancelledError when the client has left.
        """
        return b""

    def over(self) -> None:
        """The work is done: nothing is to be stopped any more."""
        self.stop = None

    def leave(self) -> None:
        """The client has gone, or gets no answer any more."""
        self.left = True
        stop, self.stop = self.stop, None
        if stop is not None:
            stop()


@lru_cache(64)
def split_url(url: bytes) -> tuple[str, bytes]:
    """Path and query of what stands in a request's first line. Raises ValueError for nonsense."""
    if url.startswith(b"/") and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path.decode("ascii"), query
    parts = parse_url(url)
    return (parts.path or b"\xff").decode("ascii"), parts.query or b""
