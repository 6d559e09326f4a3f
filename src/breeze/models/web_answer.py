"""What came back to a GET, and the one error for what goes wrong on the way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import ClientResponse

_BLOCK = 256 * 1024


class BrokenOffError(Exception):
    """The connection did not come about, or ended too early."""


@dataclass
class Answer:
    """The head of an answer; `said` has the headers of all steps on the way, the last one's too."""

    status: int
    headers: Mapping[str, str]
    said: Mapping[str, str]
    url: str
    response: ClientResponse

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The body as it comes. Raises BrokenOffError."""
        with breaks():
            async for piece in self.response.content.iter_chunked(_BLOCK):
                yield piece

    async def small(self, most: int) -> bytes:
        """The whole body. Raises BrokenOffError, also for one of more than `most` bytes."""
        found = bytearray()
        async for piece in self.pieces():
            found += piece
            if len(found) > most:
                raise BrokenOffError(f"sent more than {most} bytes")
        return bytes(found)


class breaks:  # reads as a word of the language, as suppress does
    """What goes wrong on the way, as one error."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        import aiohttp

        if isinstance(error, aiohttp.ClientError | TimeoutError | OSError):
            raise BrokenOffError(str(error) or type(error).__name__) from error
