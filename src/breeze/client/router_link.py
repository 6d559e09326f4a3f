"""One connection to a router socket: frames out, frames in, errors in our words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from breeze.client.address import checked_key
from breeze.contracts.errors import AuthenticationError, UnavailableError

if TYPE_CHECKING:
    import aiohttp

PATH = "/v2/router"
LARGEST = 64 * 1024 * 1024
"""Bytes of a frame that is read; sounds and pictures come inside frames."""


class Address:
    """Where a router is: `ws://host:port`, `http://host:port`, or a Unix socket's path."""

    def __init__(self, where: str) -> None:
        self.where = where
        scheme, sign, rest = where.partition(":")
        self.unix = "" if sign and scheme in ("ws", "wss", "http", "https") else where
        if scheme == "unix" and sign:
            self.unix = rest.removeprefix("//")
        self.url = f"http://localhost{PATH}" if self.unix else _with_path(where)


def _with_path(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=PATH)) if parts.path in ("", "/") else url


class Link:
    """An open connection. `frames` ends when it is closed, whoever closes it."""

    def __init__(self, session: aiohttp.ClientSession, socket: Any) -> None:
        self._session = session
        self._socket = socket

    @classmethod
    async def open(cls, address: Address, key: str) -> Link:
        """Connect. Raises UnavailableError, and AuthenticationError when the key is refused."""
        import aiohttp

        connector = aiohttp.UnixConnector(address.unix) if address.unix else None
        headers = {"authorization": f"Bearer {checked_key(key)}"} if key else {}
        session = aiohttp.ClientSession(connector=connector, headers=headers)
        try:
            socket = await session.ws_connect(address.url, max_msg_size=LARGEST, heartbeat=30)
        except aiohttp.WSServerHandshakeError as error:
            await session.close()
            raise _refused(address, error.status) from error
        except (aiohttp.ClientError, OSError) as error:
            await session.close()
            text = f"Cannot reach {address.where}: {error}. Is `breeze serve` running there?"
            raise UnavailableError(text) from error
        except BaseException:
            await session.close()
            raise
        return cls(session, socket)

    async def send(self, frame: str | bytes) -> None:
        """Send a frame. Raises OSError when the connection is lost."""
        if isinstance(frame, str):
            await self._socket.send_str(frame)
        else:
            await self._socket.send_bytes(frame)

    async def frames(self) -> AsyncIterator[str | bytes]:
        """Every frame that comes, until the connection ends."""
        import aiohttp

        async for message in self._socket:
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                yield message.data

    async def first(self) -> str | bytes:
        """The next frame. Raises ConnectionResetError when none comes."""
        async for frame in self.frames():
            return frame
        raise ConnectionResetError("The connection ended.")

    async def close(self) -> None:
        """Say good-bye and close."""
        await self._socket.close()
        await self._session.close()


def _refused(address: Address, status: int) -> AuthenticationError | UnavailableError:
    if status in (401, 403):
        return AuthenticationError(f"{address.where} refused the key: give one with `key=`.")
    return UnavailableError(f"{address.where} answered {status} instead of opening a WebSocket.")
