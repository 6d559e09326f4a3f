"""What a server can be asked beside its work, in one answer each."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from breeze.client.admission import sendable
from breeze.client.connection import Connection
from breeze.client.shelf import ShelfAsking
from breeze.client.uploads import opened
from breeze.contracts.errors import NotFoundError
from breeze.contracts.request import Request
from breeze.contracts.requests import AnyRequest
from breeze.contracts.runner import ModelInfo
from breeze.contracts.service import Decision, LiveRequest, RunnerStatus, Upload
from breeze.contracts.wire import encode

JSON = {"content-type": "application/json"}


class Asking(ShelfAsking):
    """The questions; the base of `Client`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def cancel(self, request_id: str) -> bool:
        """Stop a request of this key, whoever reads it. True only if something was stopped."""
        try:
            path = f"/v2/requests/{quote(request_id, safe='')}"
            await self._connection.ask("DELETE", path, dict)
        except NotFoundError as error:
            if error.field != "id":
                raise  # another server than ours
            return False
        return True

    async def requests(self) -> list[LiveRequest]:
        """What runs there: the requests of this key, or all for an operator's."""
        found = await self._connection.ask("GET", "/v2/requests", dict[str, list[LiveRequest]])
        return found["requests"]

    async def runners(self) -> list[RunnerStatus]:
        """Every instance with its state, or the reason why it cannot work there."""
        found = await self._connection.ask("GET", "/v2/runners", dict[str, list[RunnerStatus]])
        return found["runners"]

    async def models(self) -> dict[str, tuple[ModelInfo, ...]]:
        """What each available instance serves."""
        kind = dict[str, dict[str, tuple[ModelInfo, ...]]]
        return (await self._connection.ask("GET", "/v2/models", kind))["models"]

    async def explain(self, request: Request[Any]) -> Decision:
        """Who would answer `request`, who would not, and why; the order may be empty."""
        sendable(request)
        body = encode(cast(AnyRequest, request))
        return await self._connection.ask("POST", "/v2/explain", Decision, data=body, headers=JSON)

    async def settings(self) -> dict[str, Any]:
        """The server's settings; needs a key that may operate."""
        return await self._connection.ask("GET", "/v2/settings", dict[str, Any])

    async def upload(self, data: bytes | Path | str, mime: str = "") -> str:
        """Put bytes, or the file at a path, on the server for a while; the id to refer to it."""
        headers = {"content-type": mime or "application/octet-stream"}
        if isinstance(data, bytes):
            return await self._upload(data, headers)
        file = await opened(Path(data), "data")
        try:
            return await self._upload(file, headers)
        finally:
            await asyncio.to_thread(file.close)

    async def _upload(self, data: Any, headers: dict[str, str]) -> str:
        sent = await self._connection.ask("POST", "/v2/uploads", Upload, data=data, headers=headers)
        return sent.id
