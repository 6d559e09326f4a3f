"""A real server on a free port, and a raw one that says whatever a test wants it to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.http.conftest import Serve as Serve
from tests.http.conftest import Server as Server
from tests.http.conftest import serve as serve
from tests.http.conftest import serving as serving

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """`data` as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def lines(*messages: bytes) -> bytes:
    """Messages as NDJSON, in one chunk."""
    return chunk(b"".join(message + b"\n" for message in messages))


Turn = bytes | Callable[[], Awaitable[object]]
"""Bytes to send, or something to await."""


class Raw:
    """A server that does as it is told: connection number i gets answer i, then it is closed."""

    def __init__(self, *answers: tuple[Turn, ...]) -> None:
        self.answers = answers
        self.asked: list[bytes] = []
        self.left = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
            self.asked.append(head)
            for turn in answer:
                if isinstance(turn, bytes):
                    writer.write(turn)
                    await writer.drain()
                else:
                    await turn()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()


@asynccontextmanager
async def raw(*answers: tuple[Turn, ...]) -> AsyncIterator[Raw]:
    """Run a raw server for the time of the block."""
    server = Raw(*answers)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()
