"""The official client, and a plain one for what the official client hides."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from openai import AsyncOpenAI
from yarl import URL

from tests.http.conftest import Server


@asynccontextmanager
async def official(server: Server, **options: Any) -> AsyncIterator[AsyncOpenAI]:
    """The official client, which tries each request once."""
    how: dict[str, Any] = {"api_key": "-", "max_retries": 0} | options
    async with AsyncOpenAI(base_url=f"{server.url}/v1", **how) as client:
        yield client


class Raw(NamedTuple):
    """A response as it was sent. `headers` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["error"]
        return found

    @property
    def events(self) -> list[str]:
        """The data of each server-sent event. Nothing but whole events may be in the body."""
        assert self.headers["content-type"].startswith("text/event-stream")
        text = self.body.decode()
        assert text.endswith("\n\n")
        events = []
        for block in text.removesuffix("\n\n").split("\n\n"):
            *names, data = block.split("\n")
            assert all(name.startswith("event: ") for name in names), block
            assert data.startswith("data: "), block
            events.append(data.removeprefix("data: "))
        return events

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The events of a stream that ended well, without its [DONE]."""
        *chunks, done = self.events
        assert done == "[DONE]"
        return [json.loads(chunk) for chunk in chunks]


async def ask(server: Server, method: str, path: str, body: Any = None) -> Raw:
    """One request. `body` as JSON, bytes as they are; the path is sent as it is written."""
    url = URL(server.url + path, encoded=True)
    sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, **(sent if body is not None else {})) as response,
    ):
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Raw(response.status, headers, await response.read())


async def post(server: Server, path: str, **body: Any) -> Raw:
    """A POST of these fields."""
    return await ask(server, "POST", path, body)
